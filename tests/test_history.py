"""The history of segments: stays, sizes and transitions, against a plain simulation and through dbt itself."""

import random
import re
import shutil
from collections import Counter
from contextlib import chdir
from datetime import date, timedelta
from types import SimpleNamespace

import duckdb
import pytest

from ecommerce_segments.build import backfill
from ecommerce_segments.dbt_session import DbtError
from project import PROJECT, environment, messages
from random_shops import random_shop, write_shop

# One worker runs them all, so that the warehouse is built once.
pytestmark = pytest.mark.xdist_group("history")

ANY_DATE = "2025-03-31"
HISTORY = ["membership_changes", "segment_history", "segment_sizes", "segment_transitions", "identity_changes"]
LOG_COLUMNS = (
    "as_of_date date, kind text, state text, customer_id text, change_type text, entered_on date, continued_as text,"
    " edition text"
)
STAGES = ["lead", "new", "active", "at_risk", "inactive"]
GROUPS = ["champions", "lost", None]


@pytest.fixture(scope="module")
def sql(project, tmp_path_factory):
    """The rendered SQL of the history's models: `first` and `next` run of the log, and what follows from it."""
    directory = tmp_path_factory.mktemp("history")
    write_shop(random_shop(0, date(2025, 3, 31)), directory, "parquet")
    models = (*HISTORY, "campaign_audiences")
    first = {model.name: model.sql for model in project.compiled(directory, models, as_of_date=ANY_DATE).models}
    with duckdb.connect(project.database) as connection:
        connection.execute(f"create schema if not exists marts; create table marts.membership_changes ({LOG_COLUMNS})")
    following = {model.name: model.sql for model in project.compiled(directory, models, as_of_date=ANY_DATE).models}
    with duckdb.connect(project.database) as connection:
        connection.execute("drop table marts.membership_changes")
    return {
        "first": first["membership_changes"],
        "next": following["membership_changes"],
        **{name: first[name] for name in [*HISTORY[1:], "campaign_audiences"]},
    }


class Shop:
    """A shop of a few customers who move about, seen on some dates, and what its history should be."""

    def __init__(self, rng: random.Random):
        self.rng = rng
        self.dates: dict[date, dict] = {}

    def see(self, on: date) -> dict:
        """Its state on a date: which segments are registered, who is inside, and each customer's stage and group."""
        registered = ["a", "b", "empty"] + self.rng.choice([[], ["removed"]])
        customers = [f"c{number}" for number in range(6) if self.rng.random() < 0.8]
        members = {
            (segment, customer)
            for segment in registered
            if segment != "empty"
            for customer in customers
            if self.rng.random() < 0.5
        }
        self.dates = {day: state for day, state in self.dates.items() if day < on}
        self.dates[on] = {"registered": registered, "members": members,
                          "lifecycle_stage": {customer: self.rng.choice(STAGES) for customer in customers},
                          "rfm_group": {customer: self.rng.choice(GROUPS) for customer in customers}}
        return self.dates[on]

    def history(self) -> set[tuple]:
        stays, open_stays = set(), {}
        for on, state in self.dates.items():
            for key in list(open_stays.keys() - state["members"]):
                stays.add((*key, open_stays.pop(key), on))
            for key in state["members"] - open_stays.keys():
                open_stays[key] = on
        return stays | {(*key, entered_on, None) for key, entered_on in open_stays.items()}

    def sizes(self) -> set[tuple]:
        rows, before = set(), None
        for on, state in self.dates.items():
            for segment in state["registered"]:
                inside = {customer for name, customer in state["members"] if name == segment}
                inside_before = (
                    {customer for name, customer in before if name == segment} if before is not None else None
                )
                rows.add((on, segment, len(inside), None if before is None else len(inside - inside_before),
                          None if before is None else len(inside_before - inside), None))
            before = state["members"]
        return rows

    def transitions(self) -> set[tuple]:
        rows, days = set(), list(self.dates)
        for previous, on in zip(days, days[1:]):
            for trait in ("lifecycle_stage", "rfm_group"):
                before, after = self.dates[previous][trait], self.dates[on][trait]
                moves = Counter(
                    (self.value(before, customer), self.value(after, customer))
                    for customer in before.keys() | after.keys()
                )
                rows |= {(on, previous, trait, *move, customers) for move, customers in moves.items()}
        return rows

    @staticmethod
    def value(values: dict, customer: str) -> str:
        return values[customer] or "unscored" if customer in values else "none"


def run(connection, sql: dict, on: date, state: dict) -> None:
    """Run the history's models for a date, as dbt runs them. state: may also say whose former ids are (`ids`), and the
    current `sale`."""
    connection.execute(
        "create or replace table marts.segments (segment text); create or replace table marts.segment_memberships "
        "(segment text, customer_id text); create or replace table marts.customers (customer_id text, lifecycle_stage"
        " text, rfm_group text);"
        "create schema if not exists intermediate; create or replace table intermediate.int_known_ids (account_id"
        " text, customer_id text);"
        "create or replace table intermediate.int_current_sale (sale_campaign_id text)"
    )
    insert(
        connection,
        "int_known_ids",
        {customer: customer for customer in state["lifecycle_stage"]} | state.get("ids", {}),
        "intermediate",
    )
    if state.get("sale"):
        connection.execute("insert into intermediate.int_current_sale values (?)", [state["sale"]])
    insert(connection, "segments", [(segment,) for segment in state["registered"]])
    insert(connection, "segment_memberships", state["members"])
    insert(
        connection,
        "customers",
        [(customer, stage, state["rfm_group"][customer]) for customer, stage in state["lifecycle_stage"].items()],
    )
    is_first = not connection.execute(
        "select 1 from information_schema.tables where table_name = 'membership_changes'"
    ).fetchall()
    changes = sql["first" if is_first else "next"].replace(ANY_DATE, str(on))
    if is_first:
        connection.execute(f"create table marts.membership_changes as {changes}")
    else:
        connection.execute(f"create or replace temp table changes as {changes}")
        connection.execute("delete from marts.membership_changes where as_of_date in (select as_of_date from changes)")
        connection.execute("insert into marts.membership_changes by name from changes")
    for name in HISTORY[1:]:
        connection.execute(f"create or replace table marts.{name} as {sql[name]}")


def insert(connection, table: str, rows, schema: str = "marts") -> None:
    rows = rows.items() if isinstance(rows, dict) else rows
    if rows:
        connection.executemany(
            f"insert into {schema}.{table} values ({', '.join('?' * len(next(iter(rows))))})", list(rows)
        )


@pytest.mark.parametrize("seed", range(25))
def test_history_agrees_with_a_simulation(sql, seed):
    """Dates follow each other in uneven steps, and each may be run again on corrected data; segments come and go."""
    rng = random.Random(seed)
    shop, on = Shop(rng), date(2025, 1, 1)
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as shop; use shop; create schema marts")
        for _ in range(8):
            on += timedelta(days=rng.choice([0, 1, 1, 7, 30]))
            run(connection, sql, on, shop.see(on))
            for table, expected in (
                ("segment_history", shop.history()),
                ("segment_sizes", shop.sizes()),
                ("segment_transitions", shop.transitions()),
            ):
                assert sorted(connection.execute(f"from marts.{table}").fetchall(), key=repr) == sorted(
                    expected, key=repr
                ), (table, on)


SHOP_SETTINGS = {"max_rejected_rows": 1_000_000, "max_days_without_orders": None}


class Warehouse:
    """A small shop on disk, built by dbt itself."""

    def __init__(self, project, directory):
        self.project, self.raw_dir, self.database = project, directory / "raw", directory / "shop.duckdb"
        if not self.raw_dir.exists():
            write_shop(random_shop(1, date(2025, 3, 31)), self.raw_dir, "parquet")

    def build(self, as_of_date: str, *arguments: str):
        return self.project.attempt(
            "build",
            "--exclude-resource-type",
            "test",
            "unit_test",
            *arguments,
            raw_dir=self.raw_dir,
            database=self.database,
            as_of_date=as_of_date,
            **SHOP_SETTINGS,
        )

    def rows(self, query: str) -> list[tuple]:
        with duckdb.connect(self.database) as connection:
            return sorted(connection.execute(query).fetchall(), key=repr)

    def history(self) -> dict[str, list[tuple]]:
        return {name: self.rows(f"from marts.{name}") for name in HISTORY}

    def backfill(self, *days: str, tell=print, **variables: object) -> None:
        with environment(RAW_DIR=self.raw_dir, DUCKDB_PATH=self.database), chdir(PROJECT):
            backfill.backfill(
                self.database,
                [date.fromisoformat(day) for day in days],
                SHOP_SETTINGS | variables,
                tell,
                self.project.manifest,
            )


@pytest.fixture(scope="module")
def forward(project, tmp_path_factory):
    """A warehouse that was built on three dates, one after the other, and a copy of it after the first."""
    warehouse = Warehouse(project, tmp_path_factory.mktemp("forward"))
    assert warehouse.build("2025-01-31").success
    for as_of_date in ("2025-02-28", "2025-03-31"):
        assert warehouse.build(as_of_date, "--exclude", "path:models/staging", "path:seeds").success
    return warehouse


def test_history_goes_forward_through_dbt_and_outlives_a_full_refresh(forward):
    history = forward.history()
    assert {row[2] for row in history["segment_history"]} == {date(2025, 1, 31), date(2025, 2, 28), date(2025, 3, 31)}
    assert set() < {row[0] for row in history["identity_changes"]} <= {date(2025, 2, 28), date(2025, 3, 31)}
    inside = forward.rows("select segment, customer_id from marts.segment_history where exited_on is null")
    assert inside == forward.rows("select segment, customer_id from marts.segment_memberships")

    assert forward.build("2025-03-31", "--full-refresh", "--select", "membership_changes+").success
    assert forward.history() == history

    refused = messages(forward.build("2025-02-28", "--select", "membership_changes"))
    assert re.search(
        "as_of_date is 2025-02-28, but the history of segments has come to 2025-03-31, and goes only forward", refused
    )
    assert forward.history() == history


def test_backfill_gives_what_each_date_gives_on_its_own(project, forward, tmp_path, monkeypatch):
    """A warehouse that knows the last date only is given the two before it. It is interrupted between them, and stopped
    on the second by a data test: neither changes the warehouse."""
    late = Warehouse(project, tmp_path)
    assert late.build("2025-03-31").success
    before, said = late.history(), []

    def interrupt(line: str) -> None:
        said.append(line)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        late.backfill("2025-01-31", "2025-02-28", tell=interrupt)
    assert late.history() == before

    with monkeypatch.context() as changed:
        changed.setattr(backfill, "build", build_and_test_customers)
        with pytest.raises(DbtError, match="2025-02-28: the test nobody_is_a_customer fails"):
            late.backfill("2025-01-31", "2025-02-28", tell=said.append)
    assert late.history() == before

    late.backfill("2025-01-31", "2025-02-28", tell=said.append)
    assert [line.split("  ")[0] for line in said] == ["2025-01-31", "2025-02-28"]
    assert late.history() == forward.history()
    assert not list(tmp_path.glob("*.backfill*"))


def test_a_backfill_is_taken_up_only_if_the_same_is_asked(forward, tmp_path):
    # What dbt wrote last stands beside the file until then.
    with duckdb.connect(forward.database) as connection:
        connection.execute("checkpoint")
    shutil.copy(forward.database, tmp_path / "earlier.duckdb")
    with duckdb.connect(tmp_path / "earlier.duckdb") as connection:
        connection.execute("drop table intermediate.dates_of_models")
    with pytest.raises(DbtError, match="by an earlier version of the project: run `segments run` first"):
        backfill.prepare(tmp_path / "earlier.duckdb", tmp_path / "work.duckdb", [date(2025, 2, 28)], [])
    work, left = tmp_path / "shop.backfill.duckdb", []
    for formula in ("purchases > 1", "purchases > 1", "purchases > 2"):
        backfill.prepare(forward.database, work, [date(2025, 2, 28)], [formula])
        with duckdb.connect(work) as connection:
            connection.execute(
                "create table if not exists main.steps as select 0 as step where false; insert into main.steps values"
                " (1)"
            )
            left += connection.execute("select count(*) from main.steps").fetchone()
    assert left == [1, 2, 1]


build = backfill.build


def build_and_test_customers(connection, node, day: date) -> None:
    build(connection, node, day)
    if node.name == "customers":
        build(connection, data_test("nobody_is_a_customer", "from marts.customers"), day)


def data_test(name: str, sql: str, severity: str = "ERROR") -> SimpleNamespace:
    """A data test as dbt renders it."""
    config = SimpleNamespace(materialized="test", severity=severity, fail_calc="count(*)", error_if="!= 0")
    return SimpleNamespace(name=name, compiled_code=sql, config=config)


def test_a_backfill_stops_at_what_a_build_would_not_pass():
    day = date(2025, 1, 31)
    with duckdb.connect() as connection:
        build(connection, data_test("holds", "select 1 where false"), day)
        build(connection, data_test("warns", "select 1", severity="warn"), day)
        with pytest.raises(DbtError, match="2025-01-31: the test fails fails"):
            build(connection, data_test("fails", "select 1"), day)
        with pytest.raises(DbtError, match="2025-01-31: stops: Invalid Input Error: Of 3 rows 2 are rejected"):
            build(connection, data_test("stops", "select 1 where error('Of 3 rows 2 are rejected') is null"), day)
        incremental = SimpleNamespace(name="int_x", config=SimpleNamespace(materialized="incremental"))
        with pytest.raises(DbtError, match="int_x is incremental: a backfill can make tables and views only"):
            build(connection, incremental, day)


def test_a_backfill_stops_where_the_staging_tables_would_stop_a_build(forward):
    before = forward.history()
    with pytest.raises(DbtError, match="few_rows_rejected_stg_.*\n.* are rejected: more than max_rejected_share"):
        forward.backfill("2025-01-31", max_rejected_rows=0, max_rejected_share=0)
    assert forward.history() == before


@pytest.mark.parametrize("first, last, every, days", [
    ("2025-12-31", "2026-03-30", "month", ["2025-12-31", "2026-01-31", "2026-02-28"]),
    ("2024-01-30", "2024-03-30", "month", ["2024-01-30", "2024-02-29", "2024-03-30"]),
    ("2024-02-29", "2024-04-30", "month", ["2024-02-29", "2024-03-31", "2024-04-30"]),
    ("2025-02-24", "2025-03-10", "week", ["2025-02-24", "2025-03-03", "2025-03-10"]),
    ("2025-02-27", "2025-03-01", "day", ["2025-02-27", "2025-02-28", "2025-03-01"]),
    ("2025-03-01", "2025-02-28", "day", []),
    ("2025-03-01", "2025-02-28", "month", []),
])
def test_dates_of_a_backfill(first, last, every, days):
    assert [str(day) for day in backfill.dates(date.fromisoformat(first), date.fromisoformat(last), every)] == days
