"""The log of audiences against the oracle over random courses of dates, and exports of changes against whole ones."""

import hashlib
import random
from collections import Counter
from datetime import date, timedelta

import duckdb
import pytest

from oracle_audience_changes import State, changes
from oracle_contact import google_email
from random_shops import random_shop, write_shop
from test_people_over_time import People

# One worker runs them all, so that the SQL is rendered once.
pytestmark = pytest.mark.xdist_group("audience_changes")

ANY_DATE = "2025-03-31"
SEEDS = range(60)
LOG_COLUMNS = (
    "as_of_date date, segment text, customer_id text, change text, reason text, email_sha256 text, google_email_sha256"
    " text, tiktok_email_sha256 text"
)


@pytest.fixture(scope="module")
def sql(project, tmp_path_factory):
    """The rendered SQL of the log: of its first run and of the next ones."""
    directory = tmp_path_factory.mktemp("audience_changes")
    write_shop(random_shop(0, date(2025, 3, 31)), directory, "parquet")
    rendered = {}
    for run in ("first", "next"):
        rendered[run] = project.compiled(directory, ("audience_changes",), as_of_date=ANY_DATE).models[0].sql
        with duckdb.connect(project.database) as connection:
            connection.execute("create schema if not exists marts")
            connection.execute(f"create table if not exists marts.audience_changes ({LOG_COLUMNS})")
    with duckdb.connect(project.database) as connection:
        connection.execute("drop table marts.audience_changes")
    return rendered


def course(seed: int):
    """Yield (date, state), run by run: dates in uneven steps, the latest one now and then again, on corrected data."""
    rng = random.Random(f"audiences {seed}")
    people, on = People(rng), date(2025, 1, 1)
    # Whoever has been seen has an address, and keeps it but for now and then.
    addresses: dict[str, str | None] = {}
    for _ in range(10):
        on += timedelta(days=rng.choice([0, 1, 1, 7]))
        seen = people.see(on)
        customers = sorted(seen["lifecycle_stage"])
        for customer in customers:
            if customer not in addresses or rng.random() < 0.1:
                tagged = f"{customer}+{rng.randint(0, 9)}@gmail.com"
                addresses[customer] = rng.choice([tagged, f"{customer}@x.de", None])
        emails = {customer: addresses[customer] for customer in customers}
        subscribed, complained, bounced = (
            {customer for customer in customers if rng.random() < share} for share in (0.9, 0.05, 0.1)
        )
        contactable = {customer for customer in subscribed - complained - bounced if emails[customer]}
        members: dict[str, set[str]] = {segment: set() for segment in seen["registered"]}
        for segment, customer in seen["members"]:
            members[segment] |= {customer} & contactable
        yield on, State(members, emails, subscribed, complained, bounced, seen["ids"])


def sha256(text: str | None) -> str | None:
    return text and hashlib.sha256(text.encode()).hexdigest()


def forms(email: str | None) -> tuple[str | None, ...]:
    """The hashes of an email: compared, in Google's form and in TikTok's."""
    tiktok = email and f"{email.partition('@')[0].partition('+')[0]}@{email.partition('@')[2]}"
    return sha256(email), sha256(google_email(email)) if email else None, sha256(tiktok)


def run(connection, sql: dict, on: date, state: State) -> None:
    """Run the log for a date, as dbt runs it."""
    connection.execute("""
        create schema if not exists intermediate; create schema if not exists marts;
        create or replace table marts.audiences (segment text, customer_id text);
        create or replace table marts.customers (customer_id text, is_subscribed boolean);
        create or replace table intermediate.int_customer_email_refusals
            (customer_id text, has_complained boolean, has_bounced boolean);
        create or replace table intermediate.int_known_ids (account_id text, customer_id text);
        create or replace table intermediate.int_contact_hashes
            (customer_id text, email_sha256 text, google_email_sha256 text, tiktok_email_sha256 text)
    """)
    insert(connection, "marts.audiences", [(segment, customer) for segment, customer, _ in state.addresses()])
    insert(connection, "marts.customers", [(customer, customer in state.subscribed) for customer in state.emails])
    insert(connection, "intermediate.int_customer_email_refusals",
           [(customer, customer in state.complained, customer in state.bounced)
            for customer in state.complained | state.bounced])
    insert(connection, "intermediate.int_known_ids", list(state.ids.items()))
    insert(connection, "intermediate.int_contact_hashes",
           [(customer, *forms(email)) for customer, email in state.emails.items()])
    is_first = not connection.execute("select 1 from duckdb_tables() where table_name = 'audience_changes'").fetchall()
    query = sql["first" if is_first else "next"].replace(ANY_DATE, str(on))
    if is_first:
        connection.execute(f"create table marts.audience_changes as {query}")
    else:
        connection.execute(f"create or replace temp table changes as {query}")
        connection.execute("delete from marts.audience_changes where as_of_date = ?", [on])
        connection.execute("insert into marts.audience_changes by name from changes")


def insert(connection, table: str, rows: list[tuple]) -> None:
    if rows:
        connection.executemany(f"insert into {table} values ({', '.join('?' * len(rows[0]))})", rows)


def told(connection, on: date) -> set[tuple]:
    """What the log says of a date."""
    rows = connection.execute(
        "select segment, customer_id, email_sha256, google_email_sha256, tiktok_email_sha256, change, reason from"
        " marts.audience_changes where as_of_date = ?", [on]
    ).fetchall()  # fmt: skip
    assert len(rows) == len(set(rows))
    return set(rows)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_log_agrees_with_the_oracle_and_leads_from_each_date_to_each_later_one(sql, seed):
    dates: dict[date, State] = {}
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as shop; use shop")
        for on, state in course(seed):
            run(connection, sql, on, state)
            dates = {day: earlier for day, earlier in dates.items() if day < on}
            before = list(dates.values())[-1] if dates else None
            dates[on] = state
            assert told(connection, on) == {
                (segment, customer, *forms(email), change, reason)
                for segment, customer, email, change, reason in changes(before, state)
            }, on
        days = list(dates)
        for place, first in enumerate(days):
            for last in days[place:]:
                exported = {(*member, sha256(email)) for *member, email in dates[first].addresses()}
                for on in days[place + 1 : days.index(last) + 1]:
                    rows = told(connection, on)
                    exported -= {row[:3] for row in rows if row[5] == "removed"}
                    exported |= {row[:3] for row in rows if row[5] == "added"}
                assert exported == {
                    (segment, customer, sha256(email)) for segment, customer, email in dates[last].addresses()
                }


def test_the_courses_hold_what_they_are_for():
    found: Counter = Counter()
    for seed in SEEDS:
        before, last = None, None
        for on, state in course(seed):
            if last != on:
                found += Counter(reason for *_, reason in changes(before, state))
            before, last = state, on
    reasons = ("left", "merged", "unsubscribed", "bounced", "address changed")
    assert min(found[reason] for reason in reasons) >= 10, found
