"""Klaviyo's events and profiles as Fivetran lands them, against rows of the raw contract worked out by hand; and shops
that are written as Klaviyo has them, and read back."""

import shutil
import tempfile
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from connected_shops import ConnectedProject, rows
from ecommerce_segments.engines.postgres_server import running_server
from ecommerce_segments.raw_contract import raw_contract, required_tables
from project import PROJECT, Project, environment, messages
from random_shops import write_shop
from sample_data.sources import klaviyo
from test_random_shops import SURROUNDINGS, dbt_vars, shop_of
from test_sample_shops import settings
from there_and_back import clean_tables, segments_of, write_contract

# An account of Klaviyo whose profiles are accounts, and one whose are not.
CONNECTORS = {"klaviyo": {"profiles": True}, "klaviyo_us": {"connector": "klaviyo", "id_prefix": "us-"}}
CLOCKS = SURROUNDINGS["clocks_forward"]

NO_EVENT = "id,person_id,type,timestamp\n"
NO_PERSON = "id,email\n"
HEADERS = {table: ",".join(raw_contract()[table]) for table in required_tables()}
EMAIL_EVENTS = ("event_id", "customer_id", "email", "campaign_id", "event_type", "occurred_at")


@pytest.fixture(scope="module")
def connected(tmp_path_factory):
    variables = dbt_vars(CLOCKS | {"max_accounts_per_email": 3})
    connected = ConnectedProject(tmp_path_factory.mktemp("klaviyo"), CONNECTORS, **variables)
    write(connected.project.directory, **HEADERS)
    return connected


@pytest.fixture(scope="module")
def direct(project, connected):
    """The project without connectors, for shops of the contract's own files."""
    variables = {name: value for name, value in connected.variables.items() if name != "connectors"}
    return project.compiled(connected.project.directory, **variables)


def csv(columns: str, *lines: str) -> str:
    return "\n".join([columns, *lines, ""])


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2025-{text}")


def write(directory: Path, here: dict[str, str] | None = None, us: dict[str, str] | None = None, **own: str) -> Path:
    """Write the tables of both accounts of Klaviyo, and the shop's own tables. Returns the directory of the shop."""
    for entry, tables in (("klaviyo", here), ("klaviyo_us", us)):
        (directory / entry).mkdir(parents=True)
        for name, text in ({"event": NO_EVENT, "person": NO_PERSON} | (tables or {})).items():
            (directory / entry / f"{name}.csv").write_text(text)
    for name, text in own.items():
        (directory / f"{name}.csv").write_text(text)
    return directory


def test_events_of_email_are_known_by_the_whole_name_of_their_type(connected, tmp_path):
    """Names of text messages and lists are near. The files have a BOM, upper-case names, and amounts that are texts."""
    types = [
        "Received Email", "Opened Email", "Clicked Email", "Unsubscribed from Email Marketing", "Unsubscribed",
        "Marked Email as Spam", "Clicked SMS", "Clicked Text Message", "Received SMS", "Dropped Email", "Placed Order",
        "Unsubscribed from SMS Marketing", "Unsubscribed from List", "Received Email Digest",
    ]  # fmt: skip
    shop = write(tmp_path, {
        "event": csv(
            "\ufeffID,PERSON_ID,CAMPAIGN_ID,FLOW_ID,UUID,DATETIME,TIMESTAMP,_FIVETRAN_DELETED,METRIC_ID,TYPE,"
            "PROPERTY_VALUE,_FIVETRAN_SYNCED",
            *(f'E{n:02},P,C,,same,2025-05-01 10:00:{n:02}.000,2025-05-01 10:00:{n:02}.000,FALSE,M,{name},"$1,258.54",'
              "2025-05-02 00:00:00.000" for n, name in enumerate(types)),
        ),
        "person": csv("\ufeffID,EMAIL", "P,ada@example.com"),
    })  # fmt: skip
    connection = connected.read(shop)
    assert rows(connection, "klaviyo__email_events", *EMAIL_EVENTS) == [
        ("E00", None, "ada@example.com", "C", "delivered", at("05-01 10:00:00")),
        ("E01", None, "ada@example.com", "C", "open", at("05-01 10:00:01")),
        ("E02", None, "ada@example.com", "C", "click", at("05-01 10:00:02")),
        ("E03", None, "ada@example.com", "C", "unsubscribe", at("05-01 10:00:03")),
        ("E04", None, "ada@example.com", "C", "unsubscribe", at("05-01 10:00:04")),
        ("E05", None, "ada@example.com", "C", "complaint", at("05-01 10:00:05")),
    ]
    assert rows(connection, "left_out_rows", "table_name", "reason", "left_out_rows") == [
        ("email_events", "of other metrics, such as orders and text messages", 8)
    ]
    assert rows(connection, "connected_email_events", "loaded_at")[0] == (at("05-02"),)


def test_events_are_known_by_their_metric_where_they_have_no_type(connected, tmp_path):
    """E1 is of a flow and carries an offset; E3 has but the time of its record; E4's metric and E5's profile miss."""
    shop = write(tmp_path, {
        "event": csv(
            "id,person_id,campaign_id,flow_id,metric_id,timestamp,datetime",
            "E1,P,,F,M1,2025-05-01T10:00:00+02:00,2025-05-01 09:00:00", "E2,P,C,F,M2,2025-05-01 10:00:00,",
            "E3,P,,,M2,,2025-05-01 10:00:00", "E4,P,,,M9,2025-05-01 10:00:00,", "E5,P9,,,M1,2025-05-01 10:00:00,",
        ),
        "metric": csv("id,name", "M1,Received Email", "M2,Clicked Email", "M2,Clicked Email"),
        "person": csv("id,email,_fivetran_deleted", "P,ada@example.com,true"),
    })  # fmt: skip
    connection = connected.read(shop)
    assert rows(connection, "klaviyo__email_events", *EMAIL_EVENTS) == [
        ("E1", None, "ada@example.com", "flow:F", "delivered", at("05-01 08:00:00")),
        ("E2", None, "ada@example.com", "C", "click", at("05-01 10:00:00")),
        ("E3", None, "ada@example.com", None, "click", at("05-01 10:00:00")),
        ("E5", None, None, None, "delivered", at("05-01 10:00:00")),
    ]
    assert rows(connection, "left_out_rows", "table_name", "reason", "left_out_rows") == [
        ("email_events", "of a metric that was not loaded", 1),
    ]


@pytest.mark.parametrize(("bounce_type", "bot_click"), [
    ("property_bounce_type", "property_bot_click"), ("propertyBounceType", "propertyBotClick"),
])  # fmt: skip
def test_soft_bounces_machines_and_deleted_events_are_left_out(connected, tmp_path, bounce_type, bot_click):
    shop = write(tmp_path, {
        "event": csv(
            f"id,person_id,timestamp,type,_fivetran_deleted,{bounce_type},{bot_click}",
            "E1,P,2025-05-01 10:00:00,Bounced Email,false,Hard,", "E2,P,2025-05-01 10:00:00,Bounced Email,false,Soft,",
            "E3,P,2025-05-01 10:00:00,Bounced Email,false,,", "E4,P,2025-05-01 10:00:00,Clicked Email,false,,True",
            "E5,P,2025-05-01 10:00:00,Clicked Email,false,,false", "E6,P,2025-05-01 10:00:00,Opened Email,true,,",
            "E7,P,2025-05-01 10:00:00,Opened Email,,,", "E8,P,2025-05-01 10:00:00,Placed Order,true,,",
        ),
    })  # fmt: skip
    connection = connected.read(shop)
    assert rows(connection, "klaviyo__email_events", "event_id", "event_type") == [
        ("E1", "bounce"), ("E5", "click"), ("E7", "open"),
    ]  # fmt: skip
    assert rows(connection, "left_out_rows", "connector", "table_name", "reason", "left_out_rows") == [
        ("klaviyo", "email_events", "bounces that are not said to be permanent", 2),
        ("klaviyo", "email_events", "clicks of machines", 1),
        ("klaviyo", "email_events", "deleted in Klaviyo", 1),
        ("klaviyo", "email_events", "of other metrics, such as orders and text messages", 1),
    ]


def test_two_accounts_of_klaviyo_with_the_same_ids_stay_apart(connected, tmp_path):
    def tables(email: str, metric: str) -> dict[str, str]:
        return {
            "event": csv("id,person_id,campaign_id,flow_id,metric_id,timestamp", "E1,P,C,,M1,2025-05-01 10:00:00",
                         "E2,P,,F,M1,2025-05-01 10:00:00", "E3,P,,,M2,2025-05-01 11:00:00"),
            "person": csv("id,email", f"P,{email}"),
            "metric": csv("id,name", f"M1,{metric}", "M2,Viewed Product"),
        }  # fmt: skip

    shop = write(tmp_path, tables("ada@example.com", "Opened Email"), tables("bob@example.com", "Clicked Email"))
    connection = connected.read(shop)
    assert rows(connection, "klaviyo__email_events", "event_id", "email", "campaign_id", "event_type") == [
        ("E1", "ada@example.com", "C", "open"),
        ("E2", "ada@example.com", "flow:F", "open"),
        ("us-E1", "bob@example.com", "us-C", "click"),
        ("us-E2", "bob@example.com", "flow:us-F", "click"),
    ]
    assert rows(connection, "klaviyo__sessions", "session_id", "visitor_id", "customer_id") == [
        ("klaviyo:E3", "klaviyo:P", "klaviyo:P"),
        ("klaviyo:us-E3", "klaviyo:us-P", None),
    ]
    assert rows(connection, "klaviyo__customers", "customer_id") == [("klaviyo:P",)]


def test_the_newest_answer_is_the_consent_of_a_profile(connected, tmp_path):
    """P2 said both at one moment; P5's answer was deleted, and P6's refusal is of text messages. P7 and P9 were
    imported as subscribers; P8 refused in a way that no event tells."""
    answers = [
        ("P1", "1", "Subscribed to Email Marketing"), ("P1", "2", "Unsubscribed from Email Marketing"),
        ("P1", "3", "Subscribed to Email Marketing"), ("P2", "1", "Subscribed to Email Marketing"),
        ("P2", "1", "Unsubscribed from Email Marketing"), ("P3", "1", "Subscribed to Email Marketing"),
        ("P3", "2", "Unsubscribed"), ("P5", "1", "Subscribed to Email Marketing"),
        ("P6", "1", "Subscribed to Email Marketing"), ("P6", "2", "Unsubscribed from SMS Marketing"),
        ("P7", "2", "Unsubscribed"), ("P8", "1", "Subscribed to Email Marketing"), ("P8", "2", "Opened Email"),
    ]  # fmt: skip
    state = "subscriptions_email_marketing_consent,subscriptions_email_marketing_timestamp"
    shop = write(tmp_path, {
        "event": csv("id,person_id,timestamp,type,_fivetran_deleted", *(
            f"E{n},{person},2025-05-0{day} 10:00:00,{name},{person == 'P5'}"
            for n, (person, day, name) in enumerate(answers)
        )),
        "person": csv(
            f"id,email,created,updated,{state}",
            *(f"P{n},{n}@example.com,2025-01-01 00:00:00,2025-01-02 00:00:00,," for n in (1, 2, 3, 5, 6)),
            "P4,4@example.com,2025-01-01 00:00:00,2025-01-02 00:00:00,NEVER_SUBSCRIBED,2025-05-01 00:00:00",
            "P7,7@example.com,2025-01-01 00:00:00,2025-01-02 00:00:00,SUBSCRIBED,2025-05-01 00:00:00",
            "P8,8@example.com,2025-01-01 00:00:00,2025-01-02 00:00:00,UNSUBSCRIBED,2025-05-09 00:00:00",
            "P9,9@example.com,2025-01-01 00:00:00,2025-01-02 00:00:00,SUBSCRIBED,",
        ),
    })  # fmt: skip
    connection = connected.read(shop)
    assert rows(connection, "klaviyo__customers", "right(customer_id, 2)", "email_consent", "email_consent_at") == [
        ("P1", "subscribed", at("05-03 10:00:00")),
        ("P2", "unsubscribed", at("05-01 10:00:00")),
        ("P3", "unsubscribed", at("05-02 10:00:00")),
        ("P4", "never", None),
        ("P5", "never", None),
        ("P6", "subscribed", at("05-01 10:00:00")),
        ("P7", "unsubscribed", at("05-02 10:00:00")),
        ("P8", "unsubscribed", at("05-09")),
        ("P9", "subscribed", None),
    ]


def test_the_accounts_of_the_shop_are_older_than_the_profiles_of_the_same_people(connected, tmp_path):
    """P2's account is older anyway; P3's is as old as its first order that is no test, P4's as its version. P5 has
    none, P6's newest version has another email, P7's was deleted, and P8 has two."""
    emails = ["ADA@example.com ", "b@x.org", "c@x.org", "d@x.org", "e@x.org", "f@x.org", "g@x.org", "h@x.org"]
    shop = write(
        tmp_path,
        {"person": csv("id,email,created,updated", *(
            f"P{n},{email},2025-01-01 00:00:00,2025-01-02 00:00:00" for n, email in enumerate(emails, start=1)
        ))},
        customers=csv(
            "customer_id,email,created_at,updated_at,is_deleted",
            "1,ada@example.com,2025-03-01 12:00:00,2025-04-01 00:00:00,",
            "2,b@x.org,2024-06-01 12:00:00,2025-04-01 00:00:00,",
            "3,c@x.org,,2025-04-01 00:00:00,", "4,d@x.org,,2025-04-01 00:00:00,",
            "6,f@x.org,2025-02-01 00:00:00,2025-03-01 00:00:00,",
            "6,new@x.org,2025-02-01 00:00:00,2025-04-01 00:00:00,",
            "7,g@x.org,2025-02-01 00:00:00,2025-04-01 00:00:00,true",
            "80,h@x.org,2025-02-02 00:00:00,2025-04-01 00:00:00,",
            "81,h@x.org,2025-02-01 00:00:00,2025-04-01 00:00:00,",
        ),
        orders=csv(
            "order_id,customer_id,ordered_at,status,currency,is_test,updated_at",
            "9,3,2025-02-01 00:00:00,paid,EUR,true,2025-04-01 00:00:00",
            "10,3,2025-03-01 00:00:00,paid,EUR,,2025-04-01 00:00:00",
        ),
    )  # fmt: skip
    assert rows(connected.read(shop), "klaviyo__customers", "customer_id", "created_at") == [
        ("klaviyo:P1", at("03-01 12:00:01")),
        ("klaviyo:P2", at("01-01")),
        ("klaviyo:P3", at("03-01 00:00:01")),
        ("klaviyo:P4", at("04-01 00:00:01")),
        ("klaviyo:P5", at("01-01")),
        ("klaviyo:P6", at("01-01")),
        ("klaviyo:P7", at("01-01")),
        ("klaviyo:P8", at("02-01 00:00:01")),
    ]


def test_a_profile_is_an_account_in_the_contracts_columns(connected, tmp_path):
    """The name of a country is no code. Of two versions the newest counts, and what was deleted says so."""
    columns = "id,email,created,updated,_fivetran_deleted,country,zip,phone_number,first_name,last_name,city"
    shop = write(tmp_path, {"person": csv(
        columns,
        "P1,old@example.com,2025-01-01 00:00:00,2025-01-02 00:00:00,false,DE,,,,,",
        "P1,ada@example.com,2025-01-01 00:00:00,2025-02-01 00:00:00,false,Italy,01234,+3915165555,Ada,Lovelace,Roma",
        "P2,,2025-01-01 00:00:00,,TRUE,DE,,,,,",
    )})  # fmt: skip
    names = ("customer_id", "email", "country_code", "postal_code", "phone", "first_name", "last_name", "city")
    connection = connected.read(shop)
    assert rows(connection, "klaviyo__customers", *names) == [
        ("klaviyo:P1", "ada@example.com", None, "01234", "+3915165555", "Ada", "Lovelace", "Roma"),
        ("klaviyo:P2", None, "DE", None, None, None, None, None),
    ]
    assert rows(connection, "klaviyo__customers", "customer_id", "created_at", "updated_at", "is_deleted") == [
        ("klaviyo:P1", at("01-01"), at("02-01"), False),
        ("klaviyo:P2", at("01-01"), at("01-01"), True),
    ]


def test_sessions_end_after_thirty_minutes_and_belong_to_the_account_with_the_email(connected, tmp_path):
    """The second session of P1 begins after a gap of 30 minutes and a second. P2's email is that of too many accounts,
    P3's of none, and E7 is of no profile. A viewed cart is no event of the contract."""
    shop = write(
        tmp_path,
        us={
            "event": csv(
                "id,person_id,timestamp,type,property_product_id,property_added_item_product_id,property_sku",
                "E1,P1,2025-05-01 10:00:00,Active on Site,,,", "E2,P1,2025-05-01 10:30:00,Viewed Product,77,,",
                "E3,P1,2025-05-01 11:00:01,Added to Cart,,4711,", "E4,P1,2025-05-01 11:00:01,Started Checkout,,,",
                "E5,P2,2025-05-01 10:00:00,Viewed Product,,,77", "E6,P3,2025-05-01 10:00:00,Checkout Started,,,S",
                "E7,,2025-05-01 10:00:00,Viewed Product,,,", "E8,P1,2025-05-01 12:00:00,Viewed Cart,,,",
            ),
            "person": csv("id,email", "P1,ADA@example.com", "P2,shared@x.org", "P3,c@x.org"),
        },
        customers=csv(
            "customer_id,email,created_at,updated_at",
            "1,ada@example.com,2025-02-01 00:00:00,2025-04-01 00:00:00",
            "2,ada@example.com,2025-01-01 00:00:00,2025-04-01 00:00:00",
            *(f"{n},shared@x.org,2025-01-01 00:00:00,2025-04-01 00:00:00" for n in range(3, 7)),
        ),
        products=csv("product_id,price,updated_at", "77,10,2025-01-01 00:00:00"),
    )  # fmt: skip
    connection = connected.read(shop)
    assert rows(connection, "klaviyo__sessions", "session_id", "visitor_id", "customer_id", "started_at") == [
        ("klaviyo:us-E1", "klaviyo:us-P1", "2", at("05-01 10:00:00")),
        ("klaviyo:us-E3", "klaviyo:us-P1", "2", at("05-01 11:00:01")),
        ("klaviyo:us-E5", "klaviyo:us-P2", None, at("05-01 10:00:00")),
        ("klaviyo:us-E6", "klaviyo:us-P3", None, at("05-01 10:00:00")),
    ]
    assert rows(connection, "klaviyo__web_events", "event_id", "session_id", "event_type", "product_id") == [
        ("us-E2", "klaviyo:us-E1", "product_view", "77"),
        ("us-E3", "klaviyo:us-E3", "add_to_cart", "4711"),
        ("us-E4", "klaviyo:us-E3", "checkout_start", None),
        ("us-E5", "klaviyo:us-E5", "product_view", "77"),
        ("us-E6", "klaviyo:us-E6", "checkout_start", "S"),
    ]
    assert rows(connection, "left_out_rows", "table_name", "reason", "left_out_rows") == [
        ("email_events", "of other metrics, such as orders and text messages", 1),
        ("web_events", "of no profile", 1),
    ]


def test_unreadable_times_are_handed_on_to_be_rejected(connected, tmp_path):
    shop = write(tmp_path, {"event": NO_EVENT + "E1,P,Opened Email,yesterday\nE2,P,Viewed Product,yesterday\n"})
    connection = connected.read(shop)
    for table in ("email_events", "web_events", "sessions"):
        assert rows(connection, f"connected_{table}", "source_error") == [("unreadable timestamp",)]


def test_a_missing_table_or_column_is_one_sentence(connected, tmp_path):
    shop = write(tmp_path, {"event": "id,type,timestamp\n"}, **HEADERS)
    said = messages(connected.project.attempt("seed", raw_dir=shop, **connected.variables))
    assert "The required column person_id of the table klaviyo.event is missing" in said
    (shop / "klaviyo" / "event.csv").unlink()
    said = messages(connected.project.attempt("seed", raw_dir=shop, **connected.variables))
    assert "The connector klaviyo needs the table event" in said


# ---------------------------------------------------------------- there and back


@pytest.fixture(scope="module", params=[1, 2, 3])
def made(request, direct, tmp_path_factory):
    """A random shop: its clean tables by name, and the directory of its files."""
    directory = tmp_path_factory.mktemp("made")
    write_shop(shop_of(request.param, CLOCKS), directory, "parquet")
    with direct.build(directory) as connection:
        return clean_tables(direct, connection), directory


def in_contract(name: str, tables: dict[str, pa.Table], *queries: str) -> pa.Table:
    """The rows of queries on tables, in the columns of a raw table."""
    with duckdb.connect() as connection:
        for table, table_rows in tables.items():
            connection.register(table, table_rows)
        connection.execute(f"create table wanted as from {name} limit 0")
        for query in queries:
            connection.execute(f"insert into wanted by name {query}")
        return connection.execute("from wanted").to_arrow_table()


def write_own(tables: dict[str, pa.Table], directory: Path, sales: Path, *but: str) -> Path:
    """Write the tables of a shop in the contract's own form, but for some. Returns the directory."""
    write_contract(tables, directory, *(name for name in tables if name not in but))
    for file in sales.glob("*_campaigns.*"):
        (directory / file.name).write_bytes(file.read_bytes())
    return directory


def assert_same_rows(connection: duckdb.DuckDBPyConnection, model: str, told: pa.Table) -> None:
    """A model has the rows of a table, in its columns, and some at all."""
    expected = sorted(duckdb.from_arrow(told).fetchall(), key=repr)
    assert rows(connection, model, *told.column_names) == expected
    assert expected


def test_a_shop_is_the_same_through_klaviyo_with_profiles_as_accounts(connected, direct, made, tmp_path):
    """The shop's own accounts know of no consent here, and keep their ids."""
    tables, sales = made
    shop = write(tmp_path / "shop")
    told = klaviyo.write(tables, emptied(shop / "klaviyo"))
    silent = "select * replace (null as email_consent, null as email_consent_at) from customers"
    own = tables | {"customers": in_contract("customers", tables, silent)}
    connection = connected.build(write_own(own, shop, sales, "email_events"))

    assert_same_rows(connection, "klaviyo__email_events", told["email_events"])
    assert_same_rows(connection, "klaviyo__customers", told["customers"].drop_columns("created_at"))
    newcomers = """
        select profiles.account_id
        from intermediate.int_accounts as profiles
        inner join intermediate.int_accounts as accounts using (normalized_email)
        where profiles.customer_id like 'klaviyo:%' and accounts.account_id not like 'klaviyo:%'
        and not accounts.has_shared_email
    """
    assert connection.execute(newcomers).fetchall() == []
    assert connected.whole.failing_tests(connection) == []

    known = "select customer_id, created_at as since from connectors.klaviyo__customers"
    profiles = own | {"told": told["customers"], "known": connection.execute(known).to_arrow_table()}
    dated = "select told.* replace (since as created_at) from told inner join known using (customer_id)"
    emails = tables | {"told": told["email_events"]}
    same = own | {
        "customers": in_contract("customers", profiles, "from customers", dated),
        "email_events": in_contract("email_events", emails, "from told"),
    }
    expected = segments_of(direct.build(write_own(same, tmp_path / "same", sales)))
    assert segments_of(connection) == expected
    assert len({segment for segment, _ in expected}) > 20


def test_the_emails_of_a_shop_are_the_same_through_klaviyo(connected, direct, made, tmp_path):
    """The shop's own accounts know the consent, and ids of Klaviyo have a prefix."""
    tables, sales = made
    shop = write(tmp_path / "shop")
    told = klaviyo.write(tables, emptied(shop / "klaviyo_us"))["email_events"]
    connection = connected.build(write_own(tables, shop, sales, "email_events"))
    prefixed = "select * replace ('us-' || event_id as event_id, 'us-' || campaign_id as campaign_id) from told"
    emails = in_contract("email_events", tables | {"told": told}, prefixed)
    assert_same_rows(connection, "klaviyo__email_events", emails.select(told.column_names))
    same = write_own(tables | {"email_events": emails}, tmp_path / "same", sales)
    assert segments_of(connection) == segments_of(direct.build(same))


def test_the_visits_of_a_shop_are_the_same_through_klaviyo(connected, made, tmp_path):
    """Where a visit ends, Klaviyo does not know: each event is in a session of its profile that began before it."""
    tables, sales = made
    shop = write(tmp_path / "shop")
    told = klaviyo.write(tables, emptied(shop / "klaviyo"), visits=True)["web_events"]
    connection = connected.read(write_own(tables, shop, sales, "email_events", "sessions", "web_events"))
    assert_same_rows(connection, "klaviyo__web_events", told)
    strays = """
        select events.event_id
        from connectors.klaviyo__web_events as events
        left join connectors.klaviyo__sessions as sessions on events.session_id = sessions.session_id
        left join connectors.klaviyo__events as own on events.event_id = own.event_id
        where
            sessions.customer_id is distinct from 'klaviyo:' || own.person_id
            or events.occurred_at not between sessions.started_at and sessions.started_at + interval 1 day
    """
    assert connection.execute(strays).fetchall() == []


def emptied(directory: Path) -> Path:
    for file in directory.iterdir():
        file.unlink()
    return directory


MODELS = {
    "klaviyo__email_events": EMAIL_EVENTS,
    "klaviyo__customers": ("customer_id", "email", "created_at", "email_consent", "email_consent_at", "updated_at"),
    "klaviyo__sessions": ("session_id", "visitor_id", "customer_id", "started_at", "loaded_at"),
    "klaviyo__web_events": ("event_id", "session_id", "event_type", "product_id", "occurred_at"),
    "left_out_rows": ("connector", "table_name", "reason", "left_out_rows"),
}


@pytest.fixture(scope="module")
def on_postgres(connected, tmp_path_factory):
    """The project parsed for PostgreSQL, and a connection to a server of its own."""
    import psycopg2

    directory = Path(tempfile.mkdtemp(prefix="postgres-"))
    with running_server(directory) as variables, environment(**variables):
        connection = psycopg2.connect("")
        connection.autocommit = True
        yield Project(tmp_path_factory.mktemp("postgres"), target="postgres", **connected.variables), connection
        connection.close()
    shutil.rmtree(directory)


@pytest.mark.postgres
def test_postgres_agrees_with_duckdb(connected, on_postgres, made, tmp_path):
    """Moments have a zone there, as Fivetran lands them, and the second account has no metrics yet."""
    from ecommerce_segments.engines.load_postgres import load

    (tables, sales), (project, connection) = made, on_postgres
    shop = write(tmp_path / "shop")
    klaviyo.write(tables, emptied(shop / "klaviyo"), visits=True)
    files = connected.read(write_own(tables, shop, sales, "email_events", "sessions", "web_events"))
    cursor = connection.cursor()
    for schema in ("connectors", *CONNECTORS):
        cursor.execute(f"drop schema if exists {schema} cascade; create schema {schema}")
    list(load(files, connection))
    for entry in CONNECTORS:
        for file in list((shop / entry).iterdir()):
            copy_to_postgres(file, f"{entry}.{file.stem}", cursor)
    project.dbt("run", "--select", "path:models/connectors", **connected.variables)
    for model, columns in MODELS.items():
        cursor.execute(f"select {', '.join(columns)} from connectors.{model}")
        found = sorted(cursor.fetchall(), key=repr)
        assert found == rows(files, model, *columns)
        assert found


def copy_to_postgres(file: Path, table: str, cursor) -> None:
    """Make a table of a file, in the types of the loader."""
    types = {"BOOLEAN": "boolean", "TIMESTAMP": "timestamptz"}
    with duckdb.connect() as files:
        is_csv = file.suffix == ".csv"
        relation = files.read_csv(str(file), all_varchar=True) if is_csv else files.read_parquet(str(file))
        columns = ", ".join(
            f'"{name.lower()}" {types.get(str(kind), "text")}'
            for name, kind in zip(relation.columns, relation.types, strict=True)
        )
        relation.write_csv(f"{file}.copy")
    cursor.execute(f"create table {table} ({columns})")
    with open(f"{file}.copy") as copy:
        cursor.copy_expert(f"copy {table} from stdin (format csv, header)", copy)


@pytest.mark.long
def test_the_demo_is_the_same_through_klaviyo(project, tmp_path):
    """All segments are, but for two: an email that bounced has no receipt, and what an account did that has no email,
    or one that too many share, is nobody's."""
    direct = project.compiled(PROJECT / "data" / "demo", **settings("demo"))
    here = direct.build(PROJECT / "data" / "demo", threads=2)
    tables = clean_tables(direct, here)
    told = klaviyo.write(tables, tmp_path / "shop" / "klaviyo")
    shop = write_own(tables, tmp_path / "shop", PROJECT / "data" / "demo", "email_events")
    through = ConnectedProject(tmp_path / "project", {"klaviyo": {}}, **settings("demo"))
    there = through.project.compiled(shop, **through.variables).build(shop, threads=2)
    assert_same_rows(there, "klaviyo__email_events", told["email_events"])
    differing = {segment for segment, _ in segments_of(here) ^ segments_of(there)}
    assert differing <= {"engaged_subscribers", "unengaged_subscribers"}
