"""Who was held back the night before comes first: nights of random shops, and random courses of people, against the
oracle."""

import random
from collections import Counter
from datetime import date, timedelta

import duckdb
import pytest

import oracle
import oracle_messages
from random_shops import random_shop, write_shop
from test_audience_changes import insert
from test_people_over_time import People

# One worker runs them all, so that the SQL is rendered once.
pytestmark = pytest.mark.xdist_group("held_back")

# The last night's messages are of another quarter, so that others are in the global holdout.
NIGHTS = [date(2025, 3, 29), date(2025, 3, 30), date(2025, 3, 31)]
SETTINGS = {"max_emails_7d": 1, "global_holdout_percent": 20}
SHOPS, COURSES = range(4), range(60)
LOG = "marts.held_back_changes"
LOG_COLUMNS = "as_of_date date, customer_id text, change text"
MESSAGE = {"segment": "a", "priority": 1, "marketing_goal": "A.", "next_products": None}


@pytest.fixture(scope="module")
def sql(project, tmp_path_factory):
    """date -> the rendered SQL up to next_messages, of a run that finds a log."""
    directory = tmp_path_factory.mktemp("held_back")
    write_shop(random_shop(0, NIGHTS[-1]), directory, "parquet")
    variables = {"max_rejected_rows": 1_000_000, "max_days_without_orders": None, **SETTINGS}
    project.dbt("seed", raw_dir=directory, **variables)
    with duckdb.connect(project.database) as connection:
        connection.execute(f"create schema if not exists marts; create table {LOG} ({LOG_COLUMNS})")
    rendered = {on: project.compiled(directory, ("+next_messages",), as_of_date=str(on), **variables) for on in NIGHTS}
    with duckdb.connect(project.database) as connection:
        connection.execute(f"drop table {LOG}")
    return {on: (sql, take_out(sql, "held_back_changes"), take_out(sql, "next_messages"))
            for on, sql in rendered.items()}


def take_out(sql, name: str) -> str:
    """Let a shop be built without a model, and return the model's SQL."""
    (model,) = [model for model in sql.models if model.name == name]
    sql.models.remove(model)
    return model.sql


def take_step(connection, changes: str, messages: str, on: date) -> dict[str, dict]:
    """Let the log take the step of a date as dbt does, and return next_messages by customer."""
    connection.execute(f"create or replace temp table changes as {changes}")
    connection.execute(f"delete from {LOG} where as_of_date = ?", [on])
    connection.execute(f"insert into {LOG} by name from changes")
    found = connection.execute(messages).to_arrow_table().to_pylist()
    assert len({row["customer_id"] for row in found}) == len(found)
    assert {row.pop("as_of_date") for row in found} <= {on}
    return {row.pop("customer_id"): row for row in found}


def night(sql, on: date, raw_dir, log: list[tuple]) -> tuple[dict[str, dict], list[tuple]]:
    """Build a date of a shop whose log is known. Returns next_messages and the log."""
    before, *steps = sql[on]
    with before.build(raw_dir) as connection:
        connection.execute(f"create table {LOG} ({LOG_COLUMNS})")
        if log:
            connection.executemany(f"insert into {LOG} values (?, ?, ?)", log)
        return take_step(connection, *steps, on), connection.execute(f"from {LOG} order by all").fetchall()


@pytest.mark.parametrize("seed", SHOPS)
def test_nights_of_a_shop_agree_with_the_oracle(sql, tmp_path, seed):
    shop = random_shop(seed, NIGHTS[-1])
    write_shop(shop, tmp_path, "parquet")
    log, before, waited = [], set(), 0
    for on in NIGHTS:
        expected = oracle_messages.compute(oracle.compute(shop, as_of_date=on), SETTINGS["max_emails_7d"],
                                           SETTINGS["global_holdout_percent"], before)["next_messages"]
        found, log_after = night(sql, on, tmp_path, log)
        assert found == expected
        # Built again, the date says the same.
        assert night(sql, on, tmp_path, log_after) == (found, log_after)
        log, before = log_after, oracle_messages.held_back(expected)
        waited += sum(row["has_waited"] and row["send_order"] is not None for row in found.values())
    assert waited > 0


def course(seed: int):
    """Yield (date, next_messages without turns, ids), run by run: dates in uneven steps, the latest one now and then
    again, on corrected data."""
    rng = random.Random(f"held back {seed}")
    people, on = People(rng), date(2025, 1, 1)
    for _ in range(10):
        on += timedelta(days=rng.choice([0, 1, 1, 7]))
        seen = people.see(on)
        yield on, {
            customer: MESSAGE | {"segment": rng.choice("ab"), "held_back_by": rng.choice(["mailed often", None, None])}
            for customer in sorted(seen["lifecycle_stage"]) if rng.random() < 0.8
        }, seen["ids"]  # fmt: skip


@pytest.mark.parametrize("seed", COURSES)
def test_courses_of_people_agree_with_the_oracle(sql, seed):
    _, *steps = sql[NIGHTS[-1]]
    held_back: dict[date, set[str]] = {}
    with duckdb.connect() as connection:
        connection.execute(f"""
            attach ':memory:' as shop; use shop; create schema marts; create schema intermediate;
            create table {LOG} ({LOG_COLUMNS})
        """)
        for on, messages, ids in course(seed):
            connection.execute("""
                create or replace table intermediate.int_known_ids (account_id text, customer_id text);
                create or replace table intermediate.int_next_messages (customer_id text, segment text,
                    priority integer, marketing_goal text, next_products text, held_back_by text)
            """)
            insert(connection, "intermediate.int_known_ids", list(ids.items()))
            insert(connection, "intermediate.int_next_messages", [
                (customer, *(row[name] for name in (*MESSAGE, "held_back_by"))) for customer, row in messages.items()
            ])  # fmt: skip
            found = take_step(connection, *(step.replace(str(NIGHTS[-1]), str(on)) for step in steps), on)
            earlier = [day for day in held_back if day < on]
            oracle_messages.take_turns(messages, held_back[max(earlier)] if earlier else set(), ids)
            assert found == messages, on
            held_back[on] = oracle_messages.held_back(messages)


def test_the_courses_hold_what_they_are_for():
    found: Counter = Counter()
    for seed in COURSES:
        last, before = None, set()
        for on, messages, ids in course(seed):
            found["again"] += on == last
            found["renamed"] += sum(ids.get(identity, identity) in messages.keys() - {identity} for identity in before)
            now = oracle_messages.held_back(messages)
            found += Counter(goes_on=len(now & before), begins=len(now - before), ends=len(before - now))
            last, before = on, now
    assert min(found.values()) >= 20, found
