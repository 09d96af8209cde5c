"""Events of Google Analytics 4 as its BigQuery export has them, against sessions and web events worked out by hand; and
shops that are written as such events and read back."""

import json
import shutil
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest
import yaml

from connected_shops import ConnectedProject, rows
from ecommerce_segments.engines.postgres_server import running_server
from project import PROJECT, CompiledProject, Project, environment
from random_shops import CUSTOM_TRAITS, random_shop, write_shop
from sample_data.sources import ga4
from test_random_shops import dbt_vars
from there_and_back import clean_tables, segments_of, write_contract

SESSION = ("session_id", "visitor_id", "customer_id", "started_at", "channel", "campaign_id", "device")
EVENT = ("session_id", "event_type", "product_id", "occurred_at")
OPTIONS = {"recommendation_lists": ["also-bought"], "channels": {"affiliates": "affiliate"}}


@pytest.fixture(scope="module")
def connected(tmp_path_factory):
    us = {"connector": "ga4", "customer_id_param": "account", "customer_id_prefix": "us-"}
    return ConnectedProject(tmp_path_factory.mktemp("ga4"), {"ga4": OPTIONS, "ga4_us": us})


def event(
    name: str, at: str, user: str | None = "1.2", session: int | str | None = 10, items=(), parameters=None, **more
) -> dict:
    """An event as JSON of the export has it: whole numbers are texts, and what is null is left out.

    at: ISO, in UTC; parameters: {key: text or whole number}; more: columns of the export.
    """
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    parameters = {"page_location": "https://shop.example/"} | (parameters or {})
    parameters |= {"ga_session_id": session} if session else {}
    return {
        "event_date": f"{moment:%Y%m%d}",
        "event_timestamp": str(int(moment.timestamp() * 1_000_000)),
        "event_name": name,
        "event_params": [
            {"key": key, "value": {"string_value": value} if isinstance(value, str) else {"int_value": str(value)}}
            for key, value in parameters.items()
        ],
        "items": [{"item_id": item} if isinstance(item, str) else item for item in items],
        "device": {"category": "mobile", "language": "de"},
    } | ({"user_pseudo_id": user} if user else {}) | more  # fmt: skip


def of_nobody() -> dict:
    return event("page_view", "2026-04-30", None)


def write(shop: Path, events: list[dict], name: str = "events_20260501.json", entry: str = "ga4") -> Path:
    """Write events as a file of an entry; one that has none yet gets an event of nobody. Returns the directory of the
    shop."""
    for directory in ("ga4", "ga4_us"):
        (shop / directory).mkdir(exist_ok=True)
        if not list((shop / directory).iterdir()):
            (shop / directory / "events_20260430.json").write_text(json.dumps(of_nobody()))
    (shop / entry / name).write_text("\n".join(map(json.dumps, events)))
    return shop


def last_click(**campaign: str) -> dict:
    return {"session_traffic_source_last_click": {"cross_channel_campaign": campaign}}


def test_a_login_inside_a_session_does_not_split_it(connected, tmp_path):
    shop = write(tmp_path, [
        event("view_item", "2026-05-01T10:00:05", items=["P1"]),
        event("session_start", "2026-05-01T10:00:00.000001"),
        event("login", "2026-05-01T10:01", user_id="C1"),
        event("page_view", "2026-05-01T10:02", user_id="A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"),
        event("page_view", "2026-05-01T10:03"),
        event("page_view", "2026-05-01T23:59", session=11),
        event("page_view", "2026-05-02T00:01", session=11),
    ])  # fmt: skip
    last_user, begun = "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", datetime(2026, 5, 1, 10, 0, 0, 1)
    assert rows(connected.read(shop), "ga4__sessions", *SESSION) == [
        ("1.2.10", "1.2", last_user, begun, "direct", None, "mobile"),
        ("1.2.11", "1.2", None, datetime(2026, 5, 1, 23, 59), "direct", None, "mobile"),
    ]


def test_each_item_is_an_event_and_items_count_alike_on_both_sides_of_the_cart(connected, tmp_path):
    shop = write(tmp_path, [
        event("view_item", "2026-05-01T10:00", items=["P1"]),
        event("add_to_cart", "2026-05-01T10:01", items=["P1", "P2", "P2"]),
        event("remove_from_cart", "2026-05-01T10:02", items=["P2"]),
        event("begin_checkout", "2026-05-01T10:03"),
        event("view_item", "2026-05-01T10:04", items=[{"item_id": "(not set)"}]),
        event("purchase", "2026-05-01T10:05", items=["P1"]),
        event("view_cart", "2026-05-01T10:05", items=["P1"]),
    ])  # fmt: skip
    found = rows(connected.read(shop), "ga4__web_events", *EVENT)
    assert [(kind, product, at.minute) for _, kind, product, at in found] == [
        ("add_to_cart", "P1", 1), ("add_to_cart", "P2", 1), ("add_to_cart", "P2", 1), ("checkout_start", None, 3),
        ("product_view", "P1", 0), ("product_view", None, 4), ("remove_from_cart", "P2", 2),
    ]  # fmt: skip


def test_identical_hits_are_one_in_whatever_order_their_parameters_stand(connected, tmp_path):
    numbers = {"batch_page_id": "7", "batch_ordering_id": "1", "batch_event_index": "2"}
    hit = event("view_item", "2026-05-01T10:00", items=["P1"], **numbers)
    turned = hit | {"event_params": hit["event_params"][::-1]}
    next_in_batch = hit | {"batch_event_index": "3"}
    other_page = event("view_item", "2026-05-01T10:00", items=["P1"], parameters={"page_location": "/b"}, **numbers)
    other_product = event("view_item", "2026-05-01T10:00", items=["P2"], **numbers)
    shop = write(tmp_path, [hit, hit, turned, next_in_batch, other_page, other_product])
    found = rows(connected.read(shop), "ga4__web_events", "event_id", "product_id")
    assert len(found) == 6 and sorted(product for _, product in set(found)) == ["P1", "P1", "P1", "P2"]


def test_intraday_tables_are_not_read(connected, tmp_path):
    view = event("view_item", "2026-05-01T10:00", items=["P1"])
    write(tmp_path, [view])
    write(tmp_path, [view, event("view_item", "2026-05-02T10:00", items=["P1"])], "events_intraday_20260502.json")
    assert len(rows(connected.read(tmp_path), "ga4__web_events", "event_id")) == 1


def test_events_without_consent_or_visit_are_left_out_and_counted(connected, tmp_path):
    shop = write(tmp_path, [
        event("view_item", "2026-05-01T10:00", None, None, ["P1"], user_id="C1"),
        event("page_view", "2026-05-01T10:00", None, None),
        event("audience_joined", "2026-05-01T10:00", session=None),
        event("page_view", "2026-05-01T10:00"),
    ])  # fmt: skip
    connection = connected.read(shop)
    assert rows(connection, "ga4__sessions", "session_id") == [("1.2.10",)]
    assert rows(connection, "left_out_rows", "connector", "table_name", "reason", "left_out_rows") == [
        ("ga4", "sessions", "event without ga_session_id: of no visit", 1),
        ("ga4", "sessions", "event without user_pseudo_id: nobody consented to a cookie", 3),
        ("ga4", "web_events", "event without user_pseudo_id: nobody consented to a cookie", 1),
    ]


def test_two_properties_with_the_same_ids_stay_apart_and_name_accounts_their_own_way(connected, tmp_path):
    view = event("view_item", "2026-05-01T10:00", items=["P1"], parameters={"account": 77}, user_id="C1")
    write(tmp_path, [view])
    write(tmp_path, [view], entry="ga4_us")
    connection = connected.read(tmp_path)
    assert rows(connection, "ga4__sessions", "session_id", "visitor_id", "customer_id") == [
        ("1.2.10", "1.2", "C1"), ("ga4_us:1.2.10", "ga4_us:1.2", "us-77"),
    ]  # fmt: skip
    assert len({*rows(connection, "ga4__web_events", "event_id")}) == 2


def test_only_clicks_in_recommendation_lists_are_recommendation_clicks(connected, tmp_path):
    shop = write(tmp_path, [
        event("select_item", "2026-05-01T10:00", items=["P1"], parameters={"item_list_id": "also-bought"}),
        event("select_item", "2026-05-01T10:01", items=[{"item_id": "P2", "item_list_name": "also-bought"}]),
        event("select_item", "2026-05-01T10:02", items=["P3"], parameters={"item_list_id": "search"}),
    ])  # fmt: skip
    of_another = event("select_item", "2026-05-01T10:00", items=["P4"], parameters={"item_list_id": "also-bought"})
    write(tmp_path, [of_another], entry="ga4_us")
    found = rows(connected.read(shop), "ga4__web_events", "event_type", "product_id")
    assert found == [("recommendation_click", "P1"), ("recommendation_click", "P2")]


def test_item_ids_are_those_of_products(connected, tmp_path):
    (tmp_path / "products.csv").write_text("product_id,updated_at\nP1,2026-01-01 00:00\n")
    shop = write(tmp_path, [event("view_item", "2026-05-01T10:00", items=["P1", "unknown"])])
    assert rows(connected.read(shop), "ga4__web_events", "product_id") == [("P1",), ("unknown",)]


@pytest.mark.parametrize(("traffic", "channel", "campaign"), [
    # The session's own source, whatever its hits say.
    (last_click(default_channel_group="Paid Search", campaign_id="c1", source="google"), "paid_search", "c1"),
    (last_click(default_channel_group="Direct", campaign_name="(direct)", source="(direct)"), "direct", None),
    (last_click(default_channel_group="Affiliates"), "affiliate", None),
    # Exports before October 2024 have no group.
    (last_click(source="m.facebook.com", medium="paid_social", campaign_name="Spring"), "paid_social", "Spring"),
    ({"session_traffic_source_last_click": {"google_ads_campaign": {"campaign_id": "g1"}}}, "paid_search", "g1"),
    # Those before July 2024 have no session's source.
    ({"collected_traffic_source": {"manual_source": "Newsletter", "manual_medium": "EMAIL"}}, "email", None),
    ({"collected_traffic_source": {"manual_source": "bing", "gclid": "x"}}, "paid_search", None),
    ({"parameters": {"source": "google", "medium": "organic", "campaign": "(organic)"}}, "organic_search", None),
    ({"parameters": {"source": "chatgpt.com", "medium": "ai-assistant"}}, "ai_assistant", None),
    ({"parameters": {"source": "blog.example", "medium": "referral"}}, "referral", None),
    ({"parameters": {"source": "partner", "medium": "affiliate", "campaign_id": "a1"}}, "affiliate", "a1"),
    ({"parameters": {"source": "x", "medium": "paid", "campaign": "Workshop"}}, "paid_other", "Workshop"),
    ({"parameters": {"source": "x", "medium": "paid", "campaign": "shop-ads"}}, "paid_shopping", "shop-ads"),
    ({"parameters": {"source": "x", "medium": "cpm"}}, "display", None),
    ({"parameters": {"source": "fb", "medium": "cpm"}}, "paid_social", None),
    ({"parameters": {"source": "x", "medium": "banner"}}, "display", None),
    ({"parameters": {"source": "youtube.com", "medium": "referral"}}, "organic_video", None),
    ({"parameters": {"source": "brand", "medium": "webpush"}}, "mobile_push_notifications", None),
    ({"parameters": {"source": "leaflet", "medium": "qr"}}, "unassigned", None),
])  # fmt: skip
def test_the_channel_is_googles_default_channel_group(connected, tmp_path, traffic, channel, campaign):
    shop = write(tmp_path, [
        event("session_start", "2026-05-01T10:00", parameters={"source": "(direct)", "medium": "(none)"}),
        event("page_view", "2026-05-01T10:02", parameters={"source": "instagram.com", "medium": "referral"}),
        event("page_view", "2026-05-01T10:01", **traffic),
    ])  # fmt: skip
    assert rows(connected.read(shop), "ga4__sessions", "channel", "campaign_id") == [(channel, campaign)]


def test_parquet_of_several_years_of_schemas_is_read(connected, tmp_path):
    write(tmp_path, [event("view_item", "2026-05-01T10:00", items=["P1"])])
    key_value = "{'key': 'ga_session_id', 'value': {'string_value': null::varchar, 'int_value': 20::bigint}}"
    old = f"""'20210501' as event_date, 1619863200000000 as event_timestamp, 'view_item' as event_name,
        '3.4' as user_pseudo_id, [{key_value}] as event_params, [{{'item_id': 'P2', 'price': 3.5}}] as items"""
    duckdb.execute(f"copy (select {old}) to '{tmp_path}/ga4/events_20210501000000000000.parquet'")
    connection = connected.read(tmp_path)
    assert rows(connection, "ga4__web_events", *EVENT) == [
        ("1.2.10", "product_view", "P1", datetime(2026, 5, 1, 10)),
        ("3.4.20", "product_view", "P2", datetime(2021, 5, 1, 10)),
    ]
    # A day's table is written anew for three days.
    assert rows(connection, "ga4__web_events", "loaded_at") == [(datetime(2021, 5, 4),), (datetime(2026, 5, 4),)]


def test_an_unreadable_moment_is_rejected_and_costs_no_session(connected, tmp_path):
    shop = write(tmp_path, [
        event("view_item", "2026-05-01T10:00", items=["P1"]) | {"event_timestamp": "yesterday"},
        event("page_view", "2026-05-01T10:00"),
    ])  # fmt: skip
    connection = connected.read(shop)
    assert rows(connection, "ga4__web_events", "occurred_at", "source_error") == [(None, "unreadable event_timestamp")]
    assert rows(connection, "ga4__sessions", "started_at", "source_error") == [(datetime(2026, 5, 1, 10), None)]


# -- There and back

SURROUNDINGS = {"as_of_date": date(2025, 3, 30), "shop_timezone": "Europe/Berlin", "custom_traits": CUSTOM_TRAITS}
# Sessions begin with their first event; those without a visitor have one each; machines and events of no session are
# not seen; ids are Google's, and channels in small letters.
TOLD = {"sessions": (*SESSION, "is_bot"), "web_events": EVENT}
BEGUN = """
    select sessions.* replace (least(started_at, first_event) as started_at)
    from sessions
    left join (
        select session_id, min(occurred_at) as first_event from web_events
        where event_type in (
            'product_view', 'add_to_cart', 'remove_from_cart', 'checkout_start', 'recommendation_click'
        )
        group by session_id
    ) as events using (session_id)
"""


def compare_there_and_back(sql: CompiledProject, connected: ConnectedProject, shop: Path, work: Path) -> None:
    """Write the rows of a shop that keep the contract as events, and compare rows and segments of what is read back."""
    with sql.build(shop) as delivered:
        tables = clean_tables(sql, delivered)
    told = ga4.write(tables, work / "back" / "ga4")
    others = [name for name in tables if name not in ga4.FEEDS and len(tables[name])]
    with duckdb.connect() as connection:
        for name in ga4.FEEDS:
            connection.register(name, tables[name])
        begun = connection.execute(BEGUN).to_arrow_table()
    write_contract(tables | {"sessions": begun}, work / "direct", *others, *ga4.FEEDS)
    write_contract(tables, work / "back", *others)
    for path in shop.glob("*_campaigns*"):
        shutil.copy(path, work / "direct")
        shutil.copy(path, work / "back")
    with sql.build(work / "direct") as direct, connected.build(work / "back") as back:
        for table, columns in TOLD.items():
            expected = told[table].select(columns)
            # Staging has identical hits once.
            key = {"sessions": "session_id", "web_events": "event_id"}[table]
            read = back.execute(f"select distinct on ({key}) {', '.join(columns)} from connectors.ga4__{table}")
            assert sorted(read.fetchall(), key=repr) == sorted(zip(*expected.to_pydict().values()), key=repr)
        assert segments_of(back) == segments_of(direct)
        assert rows(back, "left_out_rows", "table_name") == [("sessions",), ("web_events",)]


@pytest.fixture(scope="module")
def begun(project, tmp_path_factory):
    """The SQL of the random shops, direct and by the connector."""
    directory = tmp_path_factory.mktemp("begun")
    variables = dbt_vars(SURROUNDINGS)
    write_shop(random_shop(0, **SURROUNDINGS), directory, "parquet")
    write(directory, [])
    connected = ConnectedProject(directory, {"ga4": ga4.OPTIONS}, **variables)
    return project.compiled(directory, **variables), connected


@pytest.mark.parametrize("seed", range(3))
def test_a_random_shop_comes_back(begun, tmp_path, seed):
    write_shop(random_shop(seed, **SURROUNDINGS), tmp_path / "shop", "parquet")
    compare_there_and_back(*begun, tmp_path / "shop", tmp_path)


@pytest.mark.long
def test_the_demo_comes_back(project, tmp_path):
    demo = PROJECT / "data" / "demo"
    settings = yaml.safe_load((PROJECT / "sample_data" / "demo.yml").read_text())
    shutil.copytree(demo, tmp_path / "connected")
    write(tmp_path / "connected", [])
    connected = ConnectedProject(tmp_path / "connected", {"ga4": ga4.OPTIONS}, **settings)
    compare_there_and_back(project.compiled(demo, **settings), connected, demo, tmp_path)


# -- PostgreSQL

SCALARS = (
    "event_date", "event_timestamp", "event_name", "user_pseudo_id", "user_id", "batch_page_id", "batch_ordering_id",
    "batch_event_index",
)  # fmt: skip
NESTED = ("event_params", "items", "device", "collected_traffic_source", "session_traffic_source_last_click")
VISITS = [
    event("session_start", "2026-05-01T10:00:00.000001", parameters={"source": "(direct)", "medium": "(none)"}),
    event("view_item", "2026-05-01T10:00:05.123456", items=["P1", {"item_id": "(not set)"}, {"price": 3}]),
    event("view_item", "2026-05-01T10:00:05.123456", items=["P1"], batch_page_id="7"),
    event("begin_checkout", "2026-05-01T10:02", user_id="C1", collected_traffic_source={"gclid": "x"}),
    event("add_to_cart", "2026-05-01T10:03", items=["P2", "P2"], user_id="C2"),
    event("select_item", "2026-05-01T10:04", items=["P3"], parameters={"item_list_id": "also-bought"}),
    event("select_item", "2026-05-01T10:04", items=["P4", {"item_id": "P5", "item_list_name": "also-bought"}]),
    event("page_view", "2026-05-01T10:00", session="abc", parameters={"source": "a", "medium": "QR", "campaign": "X"}),
    event("page_view", "2026-05-02T23:59", session=12, **last_click(default_channel_group="Email", campaign_id="c")),
    event("page_view", "2026-05-02T10:00", session=13, parameters={"source": "mail.yahoo.com", "medium": "e-mail"}),
    event("page_view", "2026-05-02T10:00", session=14, parameters={"source": "m.facebook.com", "campaign": "(x)"}),
    event("remove_from_cart", "2026-05-02T10:00", None, None, ["P1"]),
    event("page_view", "2026-05-02T10:00", session=None) | {"items": None, "device": None},
    event("view_item", "2026-05-02T10:00", "3.4") | {"items": None, "device": None},
]  # fmt: skip


@pytest.mark.postgres
def test_postgres_reads_from_jsonb_what_duckdb_reads_from_files(connected, tmp_path):
    psycopg2 = pytest.importorskip("psycopg2")
    us = [event("view_item", "2026-05-01T10:00", items=["P1"], parameters={"account": 77})]
    expected = connected.read(write(write(tmp_path, VISITS), us, entry="ga4_us"))
    # Not in pytest's own directory, which only its user may enter: root's server runs as another one.
    server = Path(tempfile.mkdtemp(prefix="postgres-"))
    with running_server(server) as variables, environment(**variables), psycopg2.connect("") as connection:
        cursor = connection.cursor()
        columns = [f"{name} {'bigint' if name == 'event_timestamp' else 'text'}" for name in SCALARS]
        columns += [f"{name} jsonb" for name in NESTED]
        for schema, events in (("ga4", VISITS), ("ga4_us", us)):
            cursor.execute(f"create schema {schema}; create table {schema}.events ({', '.join(columns)})")
            for row in [*events, of_nobody()]:
                values = [row.get(name) for name in SCALARS] + [json.dumps(row.get(name)) for name in NESTED]
                cursor.execute(f"insert into {schema}.events values ({', '.join(['%s'] * len(values))})", values)
        connection.commit()
        project = Project(tmp_path, target="postgres", **connected.variables)
        project.dbt("run-operation", "create_raw_tables", **connected.variables)
        compiled = project.dbt("compile", "--select", "path:models/connectors", **connected.variables)
        nodes = [result.node for result in compiled.result.results if result.node.resource_type == "model"]
        cursor.execute("create schema connectors")
        for model in CompiledProject(project, nodes, connected.variables).models:
            cursor.execute(f"create {model.materialized} {model.relation} as {model.sql}")
        for model, names in (
            ("ga4__sessions", (*SESSION, "loaded_at")), ("ga4__web_events", (*EVENT, "loaded_at")),
            ("left_out_rows", ("table_name", "reason", "left_out_rows")),
        ):  # fmt: skip
            cursor.execute(f"select {', '.join(names)} from connectors.{model}")
            assert sorted(cursor.fetchall(), key=repr) == rows(expected, model, *names)
        distinct_events = "select count(distinct event_id) from connectors.ga4__web_events"
        cursor.execute(distinct_events)
        assert cursor.fetchone() == expected.execute(distinct_events).fetchone()
    shutil.rmtree(server)
