"""Build the history of segments for past dates, in order, beside the warehouse; it takes its place there when it is
complete.

For DuckDB. The dates are built in a copy of the warehouse, from its staging tables. What the history knows of dates
before --from and after --to is kept; dates between them that are not asked for go. Interrupted, it goes on where it
was when it is started again in the same way.

dbt takes longer about a model than DuckDB does. So dbt renders what a date needs once, with the as-of date as a
variable of DuckDB's, which runs it for each date, without the models' hooks; and dbt takes the step in the log.
"""

import calendar
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import yaml
from dbt.contracts.graph.manifest import Manifest

from ecommerce_segments.build.membership_log import CUSTOMERS_GAINED
from ecommerce_segments.dbt_session import DbtError, Session
from ecommerce_segments.publish.comments import quoted

EXAMPLE = "segments backfill --from 2024-07-31 --to 2026-05-31 --every month"
LOG = "marts.membership_changes"
# The same on each date.
STAGED = ("path:models/connectors", "path:models/staging", "path:seeds")
# As in a build, the log takes its step where all that it follows from is built and has passed its tests.
TESTED = ("--indirect-selection", "cautious", "--exclude", "resource_type:unit_test")
STAGING_TESTS = ("test", "--select", *(f"+membership_changes,{place}" for place in STAGED), *TESTED)
BEFORE_THE_STEP = ("compile", "--select", "+membership_changes", *TESTED, *STAGED, "membership_changes")
# The as-of date where models are rendered once for all dates.
EACH_DATE = "getvariable('as_of_date')"
STEP = ("run", "--select", "membership_changes")
LOG_TESTS = ("test", "--select", "membership_changes", *TESTED)
FROM_THE_LOG = (
    "build",
    "--select",
    "membership_changes+",
    "--exclude",
    "membership_changes",
    "resource_type:unit_test",
)
# The states of a date.
STATES = f"""
    select kind, state, customer_id from {{log}} where as_of_date <= $day and change_type <> 'registered'
    group by kind, state, customer_id
    having sum({CUSTOMERS_GAINED}) = 1
"""
# When the stays began that go on or meet on a date.
EARLIER_ENTRIES = f"""
    update {LOG} as log set entered_on = began.entered_on
    from (
        select stays.state, stays.customer_id, min(entries.entered_on) as entered_on
        from (
            select state, continued_as as customer_id, customer_id as former_id from {LOG}
            where as_of_date = $day and kind = 'segment' and continued_as is not null
            union all
            select state, customer_id, customer_id from {LOG} where as_of_date = $day and change_type = 'merged'
        ) as stays
        join (
            select state, customer_id, arg_max(coalesce(entered_on, as_of_date), as_of_date) as entered_on from {LOG}
            where as_of_date < $day and kind = 'segment' and change_type in ('entered', 'continued', 'merged')
            group by state, customer_id
        ) as entries on entries.state = stays.state and entries.customer_id = stays.former_id
        group by stays.state, stays.customer_id
    ) as began
    where log.as_of_date = $day and log.kind = 'segment' and log.change_type in ('continued', 'merged')
        and log.state = began.state and log.customer_id = began.customer_id
"""


def dates(first: date, last: date, every: str) -> list[date]:
    """The dates from first to last. Months keep first's day, and its being the last of its month."""
    if every != "month":
        step = timedelta(days={"day": 1, "week": 7}[every])
        return [first + number * step for number in range((last - first) // step + 1)]
    found, is_month_end = [], first.day == calendar.monthrange(first.year, first.month)[1]
    for month in range(first.year * 12 + first.month - 1, last.year * 12 + last.month):
        length = calendar.monthrange(month // 12, month % 12 + 1)[1]
        found.append(date(month // 12, month % 12 + 1, length if is_month_end else min(first.day, length)))
    return [day for day in found if day <= last]


def month_ends_before(day: date, months: int) -> list[date]:
    """The last days of so many months before that of the day, in order."""
    days = [day]
    for _ in range(months):
        days.append(days[-1].replace(day=1) - timedelta(days=1))
    return days[:0:-1]


def backfill(
    warehouse: Path,
    days: list[date],
    variables: dict,
    tell: Callable[[str], None] = print,
    manifest: Manifest | None = None,
) -> None:
    """Build the history of the days, in order, and put it into the warehouse.

    warehouse: path of a DuckDB file that was built. variables: the settings of the shop, as dbt's vars. manifest: the
    parsed project, if it is at hand. Raises DbtError where nothing is built, or a day cannot be built or fails a test:
    the warehouse is then as it was.
    """
    session = Session(variables, manifest)
    work = warehouse.with_suffix(".backfill.duckdb")
    nodes = [run.node for run in session.invoke(*BEFORE_THE_STEP, as_of_date=EACH_DATE)]
    prepare(warehouse, work, days, [variables, sorted(node.compiled_code for node in nodes)])
    os.environ["DUCKDB_PATH"] = str(work)
    session.invoke(*STAGING_TESTS)
    with duckdb.connect(work) as connection:
        # What the next date replaces is not worth compressing.
        connection.execute(
            "set TimeZone = 'UTC'; set checkpoint_threshold = '256MB'; set force_compression = 'uncompressed'"
        )
        hold_staging(connection, session, nodes)
        built = {day for (day,) in connection.execute(f"select distinct as_of_date from {LOG}").fetchall()}
        waiting = [day for day in days if day not in built]
        began = time.monotonic()
        for number, day in enumerate(waiting):
            build_all(connection, nodes, day)
            take_step(connection, session, day)
            passed = time.monotonic() - began
            left = passed / (number + 1) * (len(waiting) - number - 1)
            tell(
                f"{day}  {len(days) - len(waiting) + number + 1} of {len(days)} built, about {left / 60:.1f} minutes"
                " left"
            )
        next_day = tell_anew_what_comes_after(connection, session, nodes, warehouse, days[-1])
        session.invoke(*LOG_TESTS)
        log = connection.execute(f"from {LOG}").to_arrow_table()
    put_into_place(warehouse, log, days[-1], next_day)
    os.environ["DUCKDB_PATH"] = str(warehouse)
    session.invoke(*FROM_THE_LOG)
    work.unlink()


def take_step(connection: duckdb.DuckDBPyConnection, session: Session, day: date) -> None:
    """Let the copy's log take the step of the day, from models that were made without dbt's knowing."""
    connection.execute("update intermediate.dates_of_models set as_of_date = ?", [day])
    session.invoke(*STEP, as_of_date=str(day))


def hold_staging(connection: duckdb.DuckDBPyConnection, session: Session, nodes: list[Any]) -> None:
    """Let the copy hold the rows of the views that models read: each date would read the shop's files anew."""
    read = {name for node in nodes for name in node.depends_on.nodes} - {node.unique_id for node in nodes}
    read_from = {(node.schema, node.alias) for name, node in session.manifest.nodes.items() if name in read}
    views = connection.execute("select schema_name, view_name from duckdb_views()").fetchall()
    for schema, view in read_from.intersection(views):
        connection.execute(f"""
            begin;
            create table {schema}.held as from {schema}.{view};
            drop view {schema}.{view};
            alter table {schema}.held rename to {view};
            commit
        """)


def build_all(connection: duckdb.DuckDBPyConnection, nodes: list[Any], day: date) -> None:
    """Make models, or run data tests, as of the day; parents come first. Raises DbtError where one fails."""
    connection.execute("set variable as_of_date = cast(? as date)", [day])
    for node in nodes:
        build(connection, node, day)


def build(connection: duckdb.DuckDBPyConnection, node: Any, day: date) -> None:
    """Make a model, or run a data test. Raises DbtError where it fails."""
    kind = node.config.materialized
    try:
        if kind in ("table", "view"):
            connection.execute(f"create or replace {kind} {node.relation_name} as {node.compiled_code}")
        elif kind == "test":
            failures = f"select {node.config.fail_calc} {node.config.error_if} from ({node.compiled_code}) as found"
            ((is_failed,),) = connection.execute(failures).fetchall()
            if is_failed and node.config.severity.lower() == "error":
                raise DbtError(f"{day}: the test {node.name} fails.")
        else:
            raise DbtError(f"{node.name} is {kind}: a backfill can make tables and views only.")
    except duckdb.Error as error:
        raise DbtError(f"{day}: {node.name}: {str(error).splitlines()[0]}") from error


def prepare(warehouse: Path, work: Path, days: list[date], settings: list) -> None:
    """Copy the warehouse, and let the copy forget the history from the first day on.

    A copy that was begun before is taken up if the same days and settings were asked and the warehouse has not been
    built since.
    """
    with duckdb.connect(warehouse) as connection:
        if not connection.execute("select 1 from duckdb_tables() where table_name = 'membership_changes'").fetchall():
            raise DbtError("Nothing is built here yet: run `segments run` first.")
        if not connection.execute("select 1 from duckdb_tables() where table_name = 'dates_of_models'").fetchall():
            raise DbtError("The last build was by an earlier version of the project: run `segments run` first.")
        ((last_build,),) = connection.execute("select max(as_of_date) from marts.segments").fetchall()
        connection.execute("checkpoint")
    if days[-1] > last_build:
        raise DbtError(f"{days[-1]} is after the last build, of {last_build}: a backfill is for dates before it.")
    asked = yaml.safe_dump([[str(day) for day in days], settings, warehouse.stat().st_mtime_ns])
    if work.exists():
        with duckdb.connect(work) as connection:
            if connection.execute("select asked from main.backfill").fetchall() == [(asked,)]:
                return
    beginning = work.with_suffix(".beginning")
    # DuckDB would replay what a killed process left beside a file of the same name.
    for path in (work, beginning):
        path.unlink(missing_ok=True)
        Path(f"{path}.wal").unlink(missing_ok=True)
    shutil.copy(warehouse, beginning)
    with duckdb.connect(beginning) as connection:
        connection.execute(f"delete from {LOG} where as_of_date >= ?", [days[0]])
        connection.execute("create table main.backfill as select ? as asked", [asked])
    os.replace(beginning, work)


def tell_anew_what_comes_after(
    connection: duckdb.DuckDBPyConnection, session: Session, nodes: list[Any], warehouse: Path, last_day: date
) -> date | None:
    """Let the copy's log take the step to the first date after the last day that the warehouse knows, and return that
    date.

    Its states are those that the warehouse has recorded; who they are to the people of the last day, the ids of that
    date say.
    """
    with recorded(connection, warehouse) as log:
        ((next_day,),) = connection.execute(
            f"select min(as_of_date) from {log} where as_of_date > $day", {"day": last_day}
        ).fetchall()
        if next_day is None:
            return None
        wanted = {node.unique_id for node in nodes if node.name in ("int_known_ids", "int_current_sale")}
        for node in reversed(nodes):
            if node.unique_id in wanted:
                wanted.update(node.depends_on.nodes)
        build_all(connection, [node for node in nodes if node.unique_id in wanted], next_day)
        connection.execute(f"create or replace temp table states as {STATES.format(log=log)}", {"day": next_day})
        connection.execute(f"""
            create or replace table marts.segments as
            select state as segment from {log} where as_of_date = $day and change_type = 'registered'
        """, {"day": next_day})
    connection.execute("""
        create or replace table marts.segment_memberships as
        select state as segment, customer_id from states where kind = 'segment';
        create or replace table marts.customers as
        select customer_id, max(state) filter (kind = 'lifecycle_stage') as lifecycle_stage,
            nullif(max(state) filter (kind = 'rfm_group'), 'unscored') as rfm_group
        from states where kind <> 'segment' group by customer_id
    """)
    take_step(connection, session, next_day)
    return next_day


@contextmanager
def recorded(connection: duckdb.DuckDBPyConnection, warehouse: Path) -> Iterator[str]:
    """The name of the warehouse's log, while the copy's connection sees it."""
    connection.execute(f"attach {quoted(str(warehouse))} as recorded (read_only)")
    try:
        yield f"recorded.{LOG}"
    finally:
        connection.execute("detach recorded")


def put_into_place(warehouse: Path, log: pa.Table, last_day: date, next_day: date | None) -> None:
    """Let the new log take the place of the warehouse's up to its last day, in one transaction.

    What changed between that day and the next one comes with it; what comes after stays, but for the dates on which
    stays began.
    """
    with duckdb.connect(warehouse) as connection:
        connection.register("new_log", log)
        for column, data_type in connection.execute(
            "select column_name, column_type from (describe from new_log)"
        ).fetchall():
            connection.execute(f"alter table {LOG} add column if not exists {column} {data_type}")
        connection.execute("begin")
        connection.execute(
            f"delete from {LOG} where as_of_date <= ? or (as_of_date = ? and change_type <> 'registered')",
            [last_day, next_day],
        )
        connection.execute(
            f"insert into {LOG} by name from new_log where as_of_date <= ? or change_type <> 'registered'", [last_day]
        )
        for (day,) in connection.execute(
            f"select distinct as_of_date from {LOG} where as_of_date > ? and entered_on is not null order by 1",
            [next_day or last_day],
        ).fetchall():
            connection.execute(EARLIER_ENTRIES, {"day": day})
        connection.execute("commit")


def asked_days(first: date, last: date, every: str) -> list[date]:
    """The days of a backfill. Raises DbtError where there are none."""
    if not (days := dates(first, last, every)):
        raise DbtError(f"There is no date from {first} to {last}: --from comes first, as in {EXAMPLE}")
    return days
