"""What leaves the project: nobody who must not be mailed, files that their owner alone reads, and cells that run
nowhere."""

import csv
import hashlib
import os
import re
import shutil
import stat
from contextlib import chdir
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

import oracle
import oracle_contact
from ecommerce_segments import cli
from ecommerce_segments.activate import audiences, export, files
from ecommerce_segments.dbt_session import DbtError
from project import MODELS, PROJECT, environment, messages
from random_shops import random_shop, write_shop
from test_random_shops import SURROUNDINGS, compiled, shop_of

# One worker runs them all, so that the warehouse is built once.
pytestmark = pytest.mark.xdist_group("export")

SHOPS = 8
SETTINGS = {"as_of_date": "2025-03-31", "max_rejected_rows": 1_000_000}


class Reader:
    """Answers as a Session does, from a shop that was built in memory. relations: the table of each model."""

    requires_ads_consent = True

    def __init__(self, connection, as_of_date: date, relations: dict[str, str]):
        self.connection, self.as_of_date, self.relations = connection, str(as_of_date), relations

    def rows(self, sql: str) -> list[dict]:
        sql = re.sub(r"\{\{ ref\('(\w+)'\) \}\}", lambda found: self.relations[found[1]], sql)
        sql = sql.replace("{{ var('require_ads_consent') }}", str(self.requires_ads_consent))
        sql = re.sub(r"\{\{ sha256_hex\('([\w.]+)'\) \}\}", r"sha256(\1)", sql)
        cursor = self.connection.execute(re.sub(r"\{% (end)?raw %\}", "", sql))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]

    def has_model(self, name: str) -> bool:
        return name in self.relations


@pytest.fixture(scope="module")
def shops(project, tmp_path_factory):
    """Random shops, built, and what the oracle knows of them. Addresses are shared by three accounts, and more."""
    surroundings, directory = SURROUNDINGS["shared_addresses"], tmp_path_factory.mktemp("shops")
    sql = compiled(project, surroundings, directory, MODELS)
    relations = {model.name: model.relation for model in sql.models}
    built = []
    for seed in range(SHOPS):
        shop = shop_of(seed, surroundings)
        write_shop(shop, directory / str(seed), "parquet")
        reader = Reader(sql.build(directory / str(seed)), surroundings["as_of_date"], relations)
        built.append((reader, oracle.compute(shop, **surroundings)))
    yield built
    for reader, _ in built:
        reader.connection.close()


def read(path: Path) -> list[dict]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# ---------------------------------------------------------------- who is in


def refusals(result: oracle.Result) -> tuple[set[str], set[str]]:
    """The emails, and the customers, who must be in no file: from the events themselves, by another way than the
    oracle's traits.

    An email: an unsubscribe at or after every yes of those who have it, a bounce or a complaint names it, or its owner
    complained or unsubscribed. A customer: a bounce without an email.
    """
    people, emails, customers = result.shop.people, set(), set()
    for event in oracle_contact.email_events(result.shop):
        named, owned = oracle.normalized_email(event["email"]), people.email_of.get(event["owner"])
        if event["event_type"] == "bounce":
            (emails if named else customers).add(named or event["owner"])
        elif event["event_type"] == "complaint":
            emails |= {named, owned}
        elif event["event_type"] == "unsubscribe":
            emails |= {
                email
                for email in (named, owned)
                if all(moment <= event["occurred_at"] for moment in yeses(people, email))
            }
    return emails - {None}, customers - {None}


def yeses(people: oracle.People, email: str | None) -> list[datetime]:
    """The moments at which accounts of an email said yes to mail."""
    accounts = [
        account
        for customer, other in people.email_of.items()
        if other == email
        for account in people.accounts_of.get(customer, [])
    ]
    return [
        account["email_consent_at"] or account["created_at"]
        for account in accounts
        if account["email_consent"] == "subscribed"
    ]


def test_nobody_who_refused_or_bounced_is_in_any_export(shops, tmp_path):
    """Whatever the segment says: here one of everybody stands beside those that the project knows."""
    exported_people = 0
    for number, (reader, result) in enumerate(shops):
        everybody(reader)
        allowed = {customer for customer, traits in result.customers.items() if traits["is_contactable_by_email"]}
        refused, bounced = refusals(result)
        segments = [
            segment for (segment,) in reader.connection.execute("select segment from marts.segments").fetchall()
        ]
        for segment in segments:
            directory = tmp_path / f"{number}-{segment}"
            export.export_segment(reader, segment, directory, with_phones=True)
            rows = read(directory / "email_tool.csv")
            emails = [row["email"] for row in rows]
            hashes = {row["email"] for row in read(directory / "meta_ads.csv")} - {""}
            assert not refused & set(emails) and not {sha256(email) for email in refused} & hashes, segment
            assert hashes <= {sha256(result.customer_contacts[customer]["email"]) for customer in allowed}
            ids = [unquoted(row["customer_id"]) for row in rows]
            assert set(ids) <= allowed - bounced and len(ids) == len(set(ids)), segment
            assert {unquoted(row["customer_id"]) for row in read(directory / "phones.csv")} <= allowed
            exported_people += len(rows)
        kept = {unquoted(row["customer_id"]) for row in read(tmp_path / f"{number}-everybody" / "email_tool.csv")}
        assert kept == {
            customer for customer in allowed if files.can_be_written(result.customer_contacts[customer]["email"])
        }
    assert exported_people > 100


def everybody(reader: Reader) -> None:
    """Let a segment hold every customer, those in its audience who are no more contactable among them."""
    reader.connection.execute("""
        insert into marts.segments by name
            select 99 as position, 'everybody' as segment, 'x' as title, 'x' as segment_group, 'x' as definition, 'x' as marketing_goal,
                count(*) as customers, 1 as share_of_customers, max(as_of_date) as as_of_date from marts.customers;
        insert into marts.audiences by name
            select 'everybody' as segment, customer_id, as_of_date, sha256(email) as email_sha256, sha256(email) as google_email_sha256,
                sha256(phone) as phone_sha256, 'granted' as ads_consent
            from marts.customer_contacts where email is not null
    """)  # noqa: E501


def unquoted(cell: str) -> str:
    return cell.removeprefix("'")


def test_a_campaign_is_exported_to_nobody_who_is_held_out(shops, tmp_path):
    """And to all others of its audience who may be mailed."""
    exported = held_out = 0
    for number, (reader, result) in enumerate(shops):
        reader.connection.execute(
            "create or replace table marts.campaign_audiences as select 'x y' as marketing_campaign_id, customer_id,"
            " hash(customer_id) % 3 = 0 as is_held_out from marts.customers"
        )
        reader.connection.execute(
            "create or replace table marts.campaign_lift as select 'x y' as marketing_campaign_id, count(*) as"
            " customers,"
            " sum(is_held_out::int) as held_out_customers from marts.campaign_audiences"
        )
        told = export.export_campaign(reader, "x y", str(tmp_path / str(number)), with_phones=True, with_sms=True)
        out = {
            customer
            for (customer,) in reader.connection.execute(
                "select customer_id from marts.campaign_audiences where is_held_out"
            ).fetchall()
        }
        found = {row["customer_id"] for row in read(tmp_path / str(number) / files.EMAIL_TOOL)}
        contactable = {customer for customer, traits in result.customers.items() if traits["is_contactable_by_email"]}
        assert found <= contactable - out
        by_sms = {customer for customer, traits in result.customers.items() if traits["is_contactable_by_sms"]}
        assert {unquoted(row["customer_id"]) for row in read(tmp_path / str(number) / files.SMS_TOOL)} == by_sms - out
        assert len(audiences.campaign_audience(reader, "x y")) == len(contactable - out)
        assert f"{len(out):,} of them held out, {len(contactable - out):,} of them may be mailed" in told
        exported, held_out = exported + len(found), held_out + len(contactable & out)
    assert exported and held_out
    with pytest.raises(DbtError, match="The last build knows no campaign nothing"):
        export.export_campaign(shops[0][0], "nothing", None, False)


def test_refusals_reach_others_of_the_address_in_these_shops(shops):
    """What the test above leaves out is there to be left out: by a shared address, and by another account of the same
    email."""
    shared = others = 0
    for _, result in shops:
        people = result.shop.people
        for event in oracle_contact.email_events(result.shop):
            if event["event_type"] in ("unsubscribe", "complaint"):
                shared += (
                    oracle.normalized_email(event["email"]) in people.shared_emails
                    or people.email_of.get(event["owner"]) in people.shared_emails
                )
                others += (
                    event["customer_id"] not in (None, event["owner"])
                    and event["customer_id"] in people.customer_of_account
                )
    assert shared and others


def tiktok_hashes(result: oracle.Result) -> dict[str, str]:
    """The hash of each known email without what follows a plus before the @, by the hash of the email."""
    emails = {contact["email"] for contact in result.customer_contacts.values()} | {
        oracle.normalized_email(event["email"]) for event in oracle_contact.email_events(result.shop)
    }
    return {sha256(email): sha256(re.sub(r"\+[^@]*@", "@", email)) for email in emails if email}


def test_suppression_files_hold_whom_the_lists_hold(shops, tmp_path):
    for number, (reader, result) in enumerate(shops):
        directory = tmp_path / str(number)
        export.export_suppressions(reader, directory, with_phones=False)
        expected = oracle_contact.suppressions(result)
        for name in audiences.LISTS:
            on_list = [row for row in expected if row[0] == name]
            tagged = tiktok_hashes(result)
            every_form = sorted(
                email
                for row in on_list
                if row[2] or row[4]
                for email in {row[2] or "", row[3] or "", tagged[row[2]] if row[2] else ""}
            )
            assert sorted(row["Email"] for row in read(directory / f"{name}_google_ads.csv")) == every_form
            assert sorted(row["email"] for row in read(directory / f"{name}_meta_ads.csv")) == every_form
            emails = read(directory / f"{name}_email_tool.csv")
            unwritten = {sha256(contact["email"]) for contact in result.customer_contacts.values()
                         if contact["email"] and not files.can_be_written(contact["email"])}
            assert sorted(sha256(row["email"]) for row in emails) == sorted(
                row[2] for row in on_list if row[2] and row[2] not in unwritten
            )
        assert any(not row["customer_id"] for row in read(directory / "unsubscribed_email_tool.csv")) == any(
            row[:2] == ("unsubscribed", None) for row in expected)


# ---------------------------------------------------------------- cells


@pytest.mark.parametrize(
    "text, cell",
    [
        ("=1+1", "'=1+1"),
        ("+1+1", "'+1+1"),
        ("-1+1", "'-1+1"),
        ("@sum(A1)", "'@sum(A1)"),
        ("\t=1", "'\t=1"),
        ("\rAnn", "'\rAnn"),
        ("\tAnn", "'\tAnn"),
        ('"=1+1"', "'\"=1+1\""),
        ("'=1", "''=1"),
        ("  =1", "'  =1"),
        ("\u00a0=1", "'\u00a0=1"),
        (" \"' @x", "' \"' @x"),
        ("＝1", "'＝1"),
        ("a;=1", "a;'=1"),
        ("a\n-b", "a\n'-b"),
        ("a, @b", "a,' @b"),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+", "'+"),
        ("-", "'-"),
        ("+4917012345678", "+4917012345678"),
        ("-5", "-5"),
        ("+49 170", "'+49 170"),
        ("-5\n", "'-5\n"),
        ("+٤٩", "'+٤٩"),
        ("Ann", "Ann"),
        ("Anna-Maria", "Anna-Maria"),
        ("O'Neil", "O'Neil"),
        ("1=1", "1=1"),
        ("a@b.de", "a@b.de"),
        ("Zoë", "Zoë"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_formula_is_neutralised_and_a_signed_number_is_none(text, cell):
    assert files.neutral(text) == cell


PERSON = {
    "customer_id": "c1",
    "email": "ann@x.de",
    "first_name": "Ann",
    "phone": None,
    "email_sha256": "e",
    "google_email_sha256": "e",
    "phone_sha256": None,
    "ads_consent": "granted",
}


def files_of(people: list[dict], with_phones: bool) -> dict[str, files.Table]:
    """The files of a segment in which these people are."""
    return files.tables(people, with_phones) | files.consented_ads_tables(people, set(), requires_ads_consent=True)


def person(**values) -> dict:
    return PERSON | values


def test_an_email_that_begins_like_a_formula_is_left_out_and_not_changed():
    people = [
        person(email=email)
        for email in ("=1+1@x.de", "+ann@x.de", "-ann@x.de", "a;=b@x.de", "'=b@x.de", "an+n@x.de", "o'-neil@x.de")
    ]
    files = files_of(people, with_phones=False)
    assert [row[1] for row in files["email_tool.csv"][1:]] == ["an+n@x.de", "o'-neil@x.de"]
    assert len(files["google_ads.csv"]) == len(files["meta_ads.csv"]) == 8
    assert "5 emails are left out" in export.told(Path("x"), files, people)[-1]


def test_hashes_are_those_of_each_platform():
    """+16505551234 with its plus for Google, its digits alone for Meta; from outside, by sha256sum."""
    email = "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b"
    files = files_of(
        [
            person(
                phone="+16505551234", phone_sha256=sha256("+16505551234"), email_sha256=email, google_email_sha256=email
            )
        ],
        with_phones=True,
    )
    assert files["google_ads.csv"] == [
        ["Email", "Phone"],
        [email, "a2996076d3ad4af5dc818b908b3d8e354f26ededf7df0e0aa6ac354143805ee0"],
    ]
    assert files["meta_ads.csv"] == [
        ["email", "phone"],
        [email, "6069d14bf122fdfd931dc7beb58e5dfbba395b1faf05bdcd42d12358d63d8599"],
    ]
    assert files["phones.csv"] == [["customer_id", "phone"], ["c1", "+16505551234"]]


def test_google_gets_its_own_form_of_an_email_and_a_suppression_file_every_form():
    people = [
        person(email_sha256=sha256("jane.doe+news@gmail.com"), google_email_sha256=sha256("janedoe@gmail.com"),
               tiktok_email_sha256=sha256("jane.doe@gmail.com")),
        person(
            customer_id="c2",
            email_sha256=sha256("user.name+nyc@example.com"),
            google_email_sha256=sha256("user.name+nyc@example.com"),
            tiktok_email_sha256=sha256("user.name@example.com"),
        ),
    ]

    def beginnings(files):
        return {name: sorted(row[0][:16] for row in files[name][1:]) for name in ("google_ads.csv", "meta_ads.csv")}

    assert beginnings(files_of(people, with_phones=False)) == {
        "google_ads.csv": ["d6117306485ed0e5", "f109a2a632fbcea5"],
        "meta_ads.csv": ["f109a2a632fbcea5", "f41439c944a763c9"],
    }
    without_tags = [sha256(email)[:16] for email in ("jane.doe@gmail.com", "user.name@example.com")]
    every_form = sorted(["d6117306485ed0e5", "f109a2a632fbcea5", "f41439c944a763c9", *without_tags])
    assert beginnings(files.ads_tables(people, files.EVERY_FORM)) == dict.fromkeys(
        ("google_ads.csv", "meta_ads.csv"), every_form
    )


def ads_hashes(result: oracle.Result, members: set[str], answer: str | None) -> tuple[list, list]:
    """The rows of Google's and Meta's files for these customers who gave this answer on ads, from the oracle's
    contacts.

    No hash is that of a customer who denied. An email counts in Google's form, of which an other spelling is the same
    mailbox.
    """
    def known_as(customer: str) -> tuple[str | None, str | None]:
        contact = result.customer_contacts[customer]
        return oracle_contact.google_email(contact["email"]), contact["phone"]

    denied = {
        name
        for customer, traits in result.customers.items()
        if traits["ads_consent"] == "denied"
        for name in known_as(customer)
        if name
    }
    google, meta = [], []
    for customer in members:
        if result.customers[customer]["ads_consent"] == answer:
            google_email, phone = (None if name in denied else name for name in known_as(customer))
            email = result.customer_contacts[customer]["email"] if google_email else None
            if google_email or phone:
                google.append((sha256(google_email or ""), sha256(phone or "")))
                meta.append((sha256(email or ""), sha256((phone or "")[1:])))
    nothing = {sha256(""): ""}
    return tuple(sorted(tuple(nothing.get(cell, cell) for cell in row) for row in rows) for rows in (google, meta))


def test_files_for_ads_hold_who_granted_and_by_no_setting_who_denied(shops, tmp_path):
    """Who was never asked is in files of their own, where the setting lets them be anywhere."""
    seen = dict.fromkeys(("granted", None, "denied"), 0)
    for number, (reader, result) in enumerate(shops):
        for segment in ("subscribers_without_purchase", "engaged_subscribers", "low_value_active"):
            members = {
                customer
                for customer in result.segments[segment]
                if result.customers[customer]["is_contactable_by_email"]
            }
            for customer in members:
                seen[result.customers[customer]["ads_consent"]] += 1
            for requires_ads_consent in (True, False):
                reader.requires_ads_consent, directory = (
                    requires_ads_consent,
                    tmp_path / f"{number}-{segment}-{requires_ads_consent}",
                )
                said = export.export_segment(reader, segment, directory, with_phones=False)
                files = {
                    path.name: [tuple(row.values()) for row in read(path)]
                    for path in directory.iterdir()
                    if "ads" in path.name
                }
                google, meta = ads_hashes(result, members, "granted")
                expected = {"google_ads.csv": google, "meta_ads.csv": meta}
                if not requires_ads_consent:
                    google, meta = ads_hashes(result, members, None)
                    expected |= {"google_ads_not_asked.csv": google, "meta_ads_not_asked.csv": meta}
                assert files == expected
                not_asked = sum(result.customers[customer]["ads_consent"] is None for customer in members)
                assert ("never asked for consent to ads" in said) == bool(not_asked) and (
                    not not_asked or "require_ads_consent" in said
                )
        reader.requires_ads_consent = True
    assert all(seen.values())


def test_no_hash_in_a_file_for_ads_is_that_of_who_denied():
    """Not by another spelling of a mailbox, not by a family's phone; whoever shares the phone alone stays in by email.
    """
    phone = {"phone": "+16505551234", "phone_sha256": "p"}
    people = [person(customer_id="denied", email_sha256="d", google_email_sha256="dg", ads_consent="denied", **phone),
              person(customer_id="same_mailbox", email_sha256="d2", google_email_sha256="dg"),
              person(customer_id="same_phone", email_sha256="s", google_email_sha256="s", **phone),
              person(customer_id="not_asked", email_sha256="n", google_email_sha256="n", ads_consent=None, **phone)]
    assert files.consented_ads_tables(people, {"dg", "p"}, requires_ads_consent=False) == {
        "google_ads.csv": [["Email", "Phone"], ["s", ""]],
        "meta_ads.csv": [["email", "phone"], ["s", ""]],
        "google_ads_not_asked.csv": [["Email", "Phone"], ["n", ""]],
        "meta_ads_not_asked.csv": [["email", "phone"], ["n", ""]],
    }


def test_messages_on_a_phone_go_to_those_alone_who_agreed_to_them(shops, tmp_path):
    """By mail or not; and mail goes to nobody because of it."""
    messaged = unmailed = 0
    for number, (reader, result) in enumerate(shops):
        by_sms = {customer for customer, traits in result.customers.items() if traits["is_contactable_by_sms"]}
        by_email = {customer for customer, traits in result.customers.items() if traits["is_contactable_by_email"]}
        for segment in ("subscribers_without_purchase", "low_value_active", "non_target"):
            directory = tmp_path / f"{number}-{segment}"
            said = export.export_segment(reader, segment, directory, with_phones=False, with_sms=True)
            members = set(result.segments[segment])
            rows = read(directory / "sms_tool.csv")
            assert {unquoted(row["customer_id"]) for row in rows} == members & by_sms and len(rows) == len(
                members & by_sms
            )
            for row in rows:
                contact = result.customer_contacts[unquoted(row["customer_id"])]
                assert (row["phone"], row["first_name"]) == (contact["phone"], files.neutral(contact["first_name"]))
            assert {unquoted(row["customer_id"]) for row in read(directory / "email_tool.csv")} <= members & by_email
            assert f"{len(rows):,} of them may be sent messages on a phone." in said
            messaged, unmailed = messaged + len(rows), unmailed + len(members & by_sms - by_email)
    assert messaged and unmailed


def test_names_and_phones_of_the_files_are_those_of_the_people(shops, tmp_path):
    for number, (reader, result) in enumerate(shops):
        export.export_segment(reader, "subscribers_without_purchase", tmp_path / str(number), with_phones=True)
        for row in read(tmp_path / str(number) / "email_tool.csv"):
            contact = result.customer_contacts[unquoted(row["customer_id"])]
            assert (row["email"], row["first_name"]) == (contact["email"], files.neutral(contact["first_name"]))
        for row in read(tmp_path / str(number) / "phones.csv"):
            assert re.fullmatch(r"\+[0-9]{8,15}", row["phone"])
            assert row["phone"] == result.customer_contacts[unquoted(row["customer_id"])]["phone"]


def test_a_csv_file_is_read_back_as_it_was_written(tmp_path):
    people = [
        person(first_name='Ann, "the" Great'),
        person(customer_id="c2", first_name="Zoë\nMarie"),
        person(customer_id="c3", first_name=None),
    ]
    files.write(tmp_path, files_of(people, with_phones=False), set())
    content = (tmp_path / "email_tool.csv").read_bytes()
    assert content.startswith(b"customer_id,email,first_name\r\nc1,ann@x.de,\"Ann, \"\"the\"\" Great\"\r\n")
    assert [row["first_name"] for row in read(tmp_path / "email_tool.csv")] == ['Ann, "the" Great', "Zoë\nMarie", ""]


# ---------------------------------------------------------------- files


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_are_their_owners_alone_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        files.write(tmp_path / "a" / "b", files_of([PERSON], with_phones=True), set())
    finally:
        os.umask(before)
    assert mode(tmp_path / "a" / "b") == 0o700
    assert {path.name: mode(path) for path in (tmp_path / "a" / "b").iterdir()} == dict.fromkeys(
        ("email_tool.csv", "google_ads.csv", "meta_ads.csv", "phones.csv"), 0o600)


def test_a_failed_export_leaves_the_earlier_one_as_it_was(tmp_path):
    files.write(tmp_path, files_of([PERSON], with_phones=True), set())
    earlier = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    broken = files_of([person(customer_id="c2")], with_phones=True)
    broken["phones.csv"] = [["customer_id", "phone"], *(cell for cell in [None])]
    with pytest.raises(csv.Error):
        files.write(tmp_path, broken, set())
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == earlier


def test_a_later_export_takes_away_what_it_does_not_write_and_nothing_else(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    reader = SimpleNamespace(
        rows=lambda sql: (
            [{"customers": 1}] if "ref('segments')" in sql else [{"is_required": True}] if "var(" in sql else []
        ),
        as_of_date="2025-03-31",
    )
    earlier = dict.fromkeys(files.FILES, [["email"], ["e"]])
    files.write(tmp_path, earlier | files_of([PERSON], with_phones=True), set())
    said = export.export_segment(reader, "seg_loyal_buyers", str(tmp_path), with_phones=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "email_tool.csv",
        "google_ads.csv",
        "meta_ads.csv",
        "notes.txt",
    ]
    assert (tmp_path / "email_tool.csv").read_bytes() == b"customer_id,email,first_name\r\n"
    assert (
        "loyal_buyers as of 2025-03-31: 1 customers, 0 of them may be mailed." in said
        and "the files hold their header only" in said
    )


# ---------------------------------------------------------------- the command


@pytest.fixture(scope="module")
def warehouse(project, tmp_path_factory):
    """A small shop, built by dbt itself."""
    directory = tmp_path_factory.mktemp("warehouse")
    write_shop(random_shop(3, date(2025, 3, 31)), directory / "raw", "parquet")
    result = project.attempt("build", "--exclude-resource-type", "test", "unit_test", raw_dir=directory / "raw",
                             database=directory / "shop.duckdb", **SETTINGS)
    assert result.success, messages(result)
    with duckdb.connect(directory / "shop.duckdb") as connection:
        connection.execute("checkpoint")
    return directory


def run(capsys, directory: Path, *words: str, database: str = "shop.duckdb") -> tuple[int, str, str]:
    """Run the command in this process, which dbt lets open the warehouse more than once.

    Returns exit code, stdout and stderr.
    """
    with (
        environment(
            RAW_DIR=directory / "raw",
            DUCKDB_PATH=directory / database,
            DBT_TARGET_PATH=directory / "target",
            DBT_LOG_PATH=directory / "logs",
            DATASET="shop",
            PUBLISHED_DIR=directory,
            DBT_TARGET="duckdb",
            VARS=SETTINGS,
        ),
        chdir(PROJECT),
    ):
        code = cli.main(["export", *words])
    return code, *capsys.readouterr()


def test_the_command_exports_and_leaves_no_email_elsewhere(warehouse, tmp_path, capsys):
    code, said, _ = run(capsys, warehouse, "subscribers_without_purchase", "--phones", "--dir", str(tmp_path / "out"))
    emails = {row["email"] for row in read(tmp_path / "out" / "email_tool.csv")}
    with duckdb.connect(warehouse / "shop.duckdb") as connection:
        expected = {email for (email,) in connection.execute("""
            select email from marts.seg_subscribers_without_purchase join marts.customers using (customer_id)
            join marts.customer_contacts using (customer_id) where is_contactable_by_email""").fetchall()}
    assert code == 0 and emails == {email for email in expected if files.can_be_written(email)} != set()
    assert "may be mailed" in said and not any(email in said for email in emails)
    for path in [*(warehouse / "target").rglob("*"), *(warehouse / "logs").rglob("*")]:
        assert not path.is_file() or not any(email.encode() in path.read_bytes() for email in emails), path


def test_suppressions_are_exported_by_the_command(warehouse, tmp_path, capsys):
    code, said, _ = run(capsys, warehouse, "--suppressions", "--phones", "--dir", str(tmp_path / "out"))
    assert (
        code == 0
        and said.startswith("Suppression lists as of 2025-03-31")
        and len(list((tmp_path / "out").iterdir())) == 16
    )
    with duckdb.connect(warehouse / "shop.duckdb") as connection:
        counts = dict(connection.execute("""
            select suppression_list, sum(if(email_sha256 <> google_email_sha256, 2, 1))::int from marts.suppressions
            where email_sha256 is not null or phone_sha256 is not null group by all""").fetchall())
    assert {name: len(read(tmp_path / "out" / f"{name}_meta_ads.csv")) for name in audiences.LISTS} == dict.fromkeys(
        audiences.LISTS, 0
    ) | counts


def test_the_next_messages_are_exported_without_those_that_are_held_back(warehouse, tmp_path, capsys):
    hold_back = """
        update marts.next_messages set held_back_by = {}
        where customer_id = (select min(customer_id) from marts.next_messages)
    """
    messages = """
        select customer_id, email, segment, held_back_by is not null from marts.next_messages
        inner join marts.customer_contacts using (customer_id)
    """
    with duckdb.connect(warehouse / "shop.duckdb") as connection:
        connection.execute(hold_back.format("'mailed often'"))
    code, said, _ = run(capsys, warehouse, "--messages", "--dir", str(tmp_path / "out"))
    with duckdb.connect(warehouse / "shop.duckdb") as connection:
        known = connection.execute(messages).fetchall()
        connection.execute(hold_back.format("null"))
    rows = read(tmp_path / "out" / "messages.csv")
    assert code == 0 and said.startswith("Next messages as of 2025-03-31: one for each customer")
    expected = {row[:3] for row in known if not row[3] and files.can_be_written(row[1])}
    assert {(row["customer_id"], row["email"], row["segment"]) for row in rows} == expected != set()
    assert len(rows) == len(expected) < len(known)
    for segment in {row["segment"] for row in rows}:
        turns = [int(row["send_order"]) for row in rows if row["segment"] == segment]
        assert turns == sorted(turns)


@pytest.mark.parametrize(
    "words, sentence",
    [
        (
            [],
            "Name what to export, one thing at a time: segments export loyal_buyers, --campaign ID, --suppressions,"
            " --journeys, or --messages.",
        ),
        (["loyal_buyers", "--suppressions"], "Name what to export, one thing at a time"),
        (
            ["--suppressions", "--sms"],
            "--sms is for a segment or a campaign: --phones writes the phones of the suppression lists.",
        ),
        (["--journeys", "--phones"], "--journeys has one file of its own, for email"),
        (["--messages", "--ack"], "--messages has one file of its own, for email: --dir alone goes with it."),
        (["--journeys", "--ack"], "Journeys were never exported: there is nothing to acknowledge."),
        (["loyal_buyers", "--dir", "README.md"], "The files cannot be written: "),
    ],
)
def test_what_cannot_be_exported_is_said_in_a_sentence(warehouse, capsys, words, sentence):
    code, said, wrong = run(capsys, warehouse, *words)
    assert (code, said, wrong.count("\n")) == (2, "", 1) and wrong.startswith(sentence)


def test_a_segment_that_is_not_built_is_named(shops, tmp_path):
    reader, _ = shops[0]
    for segment in ("nothing", "'; drop table marts.audiences; --"):
        with pytest.raises(
            DbtError, match=f"There is no segment {segment}: docs/segments.md has those that ship with the project."
        ):
            export.export_segment(reader, segment, tmp_path / "out", with_phones=False)
    unbuilt = SimpleNamespace(rows=lambda sql: [], has_model={"seg_regulars"}.__contains__)
    with pytest.raises(DbtError, match="The segment regulars is not in the last build: run `segments run` first."):
        export.export_segment(unbuilt, "regulars", tmp_path / "out", with_phones=False)
    assert not (tmp_path / "out").exists()


def test_nothing_is_exported_before_a_build_or_of_one_that_broke_off(warehouse, tmp_path, capsys):
    changes = {
        "empty": ("drop schema marts cascade", "Nothing is built here yet: run `segments run` first.\n"),
        "older": ("drop table marts.audiences", "The last build has no audiences: run `segments run` first.\n"),
        "broken_off": (
            "update marts.audiences set as_of_date = date '2025-03-30'",
            "The last build broke off: its marts are of 2025-03-30 and 2025-03-31. Build again, then export.\n",
        ),
    }
    for name, (change, sentence) in changes.items():
        shutil.copy(warehouse / "shop.duckdb", warehouse / f"{name}.duckdb")
        with duckdb.connect(warehouse / f"{name}.duckdb") as connection:
            connection.execute(change)
        assert run(capsys, warehouse, "loyal_buyers", "--dir", str(tmp_path / "out"), database=f"{name}.duckdb") == (
            2,
            "",
            sentence,
        )
    assert not (tmp_path / "out").exists()


# ---------------------------------------------------------------- rates


def test_rates_are_rounded_half_up_where_they_end_in_a_five(project, tmp_path):
    """Doubles round some of these ties down, and PostgreSQL's decimals none."""
    sql = (
        project.dbt("compile", "--inline", "select {{ quotient('part', 'whole', 8) }} from cases", raw_dir=tmp_path)
        .result.results[0]
        .node.compiled_code
    )
    cases = [
        (part, whole)
        for whole in (512, 2560, 12800, 64000, 40_000_000)
        for part in (1, 3, 2 * whole // 3 | 1, whole - 1, whole, whole + 1)
    ]
    cases += [(0, 7), (1, 3), (2, 3), (7, 1), (3, 0), (0, 0), (134_211, 1_600_000)]
    with duckdb.connect() as connection:
        connection.execute("create table cases (part bigint, whole bigint)")
        connection.executemany("insert into cases values (?, ?)", cases)
        found = [value for (value,) in connection.execute(sql).fetchall()]
    expected = [oracle_contact.rounded_rate(part, whole) for part, whole in cases]
    assert found == expected
    assert any(Fraction(part, whole) * 10**8 % 1 == Fraction(1, 2) for part, whole in cases if whole)
