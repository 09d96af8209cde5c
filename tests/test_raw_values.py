"""How the values of raw files are read: moments, local times, and ids that are numbers. What Python says is right."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ecommerce_segments import CannotDo
from ecommerce_segments.engines.raw_tables import load_files
from project import DATABASE, environment, messages
from test_broken_input import DAY, SMALL_SHOP, write_tables

# The clocks of each zone go back and forward on these days.
CLOCK_CHANGES = {
    "Europe/Madrid": ["2025-10-26", "2025-03-30"],
    "America/New_York": ["2025-11-02", "2025-03-09"],
    "Australia/Lord_Howe": ["2025-04-06", "2025-10-05"],
    "Pacific/Auckland": ["2025-04-06", "2025-09-28"],
    # The clocks skipped a whole day.
    "Pacific/Apia": ["2011-12-30", "2012-04-01"],
}


@pytest.fixture
def read(project, tmp_path):
    """Makes the raw views of the small shop, with files changed as the test asks, and returns the rows of a query on
    them."""
    write_tables(tmp_path, SMALL_SHOP)

    def rows(query: str, files: dict[str, list[str] | pa.Table], **variables) -> list[tuple]:
        for name, content in files.items():
            for file in tmp_path.glob(f"{name}.*"):
                file.unlink()
            if isinstance(content, pa.Table):
                pq.write_table(content, tmp_path / f"{name}.parquet")
            else:
                write_tables(tmp_path, {name: content})
        project.dbt("run-operation", "expose_raw_files", raw_dir=tmp_path, **DAY | variables)
        with duckdb.connect(project.database) as connection:
            return connection.execute(query).fetchall()

    return rows


def reviews(times: list) -> list[str] | pa.Table:
    """A table with these times: as a CSV file where they are text, else as Parquet."""
    if isinstance(times[0], str):
        return [
            "review_id,customer_id,rating,reviewed_at",
            *(f"{number},c1,5,{time}" for number, time in enumerate(times)),
        ]
    return pa.table(
        {
            "review_id": range(len(times)),
            "customer_id": ["c1"] * len(times),
            "rating": [5] * len(times),
            "reviewed_at": times,
        }
    )


TIMES = "select reviewed_at from raw.reviews order by review_id::integer"


def test_timestamps_of_text(read):
    moments = {
        "2026-06-30 14:05": datetime(2026, 6, 30, 14, 5),
        "2026-06-30T14:05:59.25": datetime(2026, 6, 30, 14, 5, 59, 250_000),
        "2026-06-30 14:05Z": datetime(2026, 6, 30, 14, 5),
        "2026-06-30 14:05:59 Z": datetime(2026, 6, 30, 14, 5, 59),
        "2026-06-30 14:05:59 UTC": datetime(2026, 6, 30, 14, 5, 59),
        "2026-06-30T14:05UTC": datetime(2026, 6, 30, 14, 5),
        "2026-06-30 14:05+02:00": datetime(2026, 6, 30, 12, 5),
        "2026-06-30 14:05:59.5 +0200": datetime(2026, 6, 30, 12, 5, 59, 500_000),
        "2026-06-30 14:05 -02": datetime(2026, 6, 30, 16, 5),
        "2026-06-30 23:59 -0930": datetime(2026, 7, 1, 9, 29),
        "2026-06-30 00:05+05:45": datetime(2026, 6, 29, 18, 20),
    } | dict.fromkeys(
        [
            "2026-06-30",
            "2026-06-30 24:00",
            "2026-06-30 14:05 +2",
            "2026-06-30 14:05  Z",
            "2026-06-30 14:05 CET",
            "2026-06-30 14:05 utc",
            "2026-06-30 14:05+24:00",
            "2026-06-30 14:05+02:60",
            "2026-06-30 14:05+2:00",
            "2026-06-30 14:05Z+02",
            "2026-02-30 14:05 UTC",
            "2026-06-30 14:05 UTC+02",
            "2026-06-30  14:05",
            "2026-06-30 14:05:5 Z",
            "30.06.2026 14:05",
        ]
    )
    found = read(
        "select reviewed_at, reviewed_at__unreadable from raw.reviews order by review_id::integer",
        {"reviews": reviews(list(moments))},
    )
    assert found == [(moment, None if moment else text) for text, moment in moments.items()]


def around(days: list[str]) -> list[datetime]:
    """Each quarter of an hour from the day before a day until the day after it."""
    return [
        datetime.fromisoformat(day) + timedelta(days=-1, minutes=15 * quarter)
        for day in days
        for quarter in range(4 * 72)
    ]


@pytest.mark.parametrize("zone", CLOCK_CHANGES)
@pytest.mark.parametrize("form", [lambda time: f"{time:%Y-%m-%d %H:%M}", lambda time: time], ids=["text", "parquet"])
def test_local_times_by_the_offset_before_a_change(read, zone, form):
    times = around(CLOCK_CHANGES[zone])
    found = read(TIMES, {"reviews": reviews([form(time) for time in times])}, naive_timestamps=zone)
    assert [time for (time,) in found] == [
        time.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None) for time in times
    ]


@pytest.mark.parametrize("zone", CLOCK_CHANGES)
def test_times_that_the_clocks_show_twice_or_never_are_counted(read, zone):
    times = around(CLOCK_CHANGES[zone])
    local = [time.replace(tzinfo=ZoneInfo(zone)) for time in times]
    never = sum(
        time.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != time.replace(tzinfo=None)
        for time in local
    )
    twice = sum(time.utcoffset() > time.replace(fold=1).utcoffset() for time in local)
    assert twice >= 2 and never >= 2
    found = read("from raw.clock_changes", {"reviews": reviews(times)}, naive_timestamps={"reviews": zone})
    assert found == [("reviews", "reviewed_at", zone, twice, never)]


def test_what_is_no_local_time_stays(read):
    """Values with an offset, loaded_at, other tables, and files without the column."""
    offsets = [
        "review_id,customer_id,rating,reviewed_at,loaded_at",
        "0,c1,5,2026-06-30 14:05 +02,2026-06-30 14:05",
        "1,c1,5,2026-06-30 14:05,",
    ]
    refunds = ["refund_id,order_id,refunded_at,amount,updated_at", "r1,o1,2026-06-30 14:05,1,2026-06-30 14:05"]
    found = read(
        "select reviewed_at, loaded_at from raw.reviews union all select refunded_at, null from raw.refunds order by"
        " all",
        {"reviews": offsets, "refunds": refunds},
        naive_timestamps={"reviews": "America/New_York"},
    )
    assert found == [(datetime(2026, 6, 30, 12, 5), datetime(2026, 6, 30, 14, 5)), (datetime(2026, 6, 30, 14, 5), None),
                     (datetime(2026, 6, 30, 18, 5), None)]
    aware = reviews([datetime(2026, 6, 30, 14, 5, tzinfo=UTC)])
    assert read(TIMES, {"reviews": aware}, naive_timestamps="America/New_York") == [(datetime(2026, 6, 30, 14, 5),)]
    assert (
        read(
            "select reviewed_at, reviewed_at__clock_change from raw.reviews",
            {"reviews": ["review_id,customer_id,rating,reviewed_at"]},
            naive_timestamps="America/New_York",
        )
        == []
    )


def test_a_date_for_a_time_is_the_local_midnight(read):
    days = pa.array([date(2026, 6, 30)])
    assert read(TIMES, {"reviews": reviews(days)}, naive_timestamps="Europe/Madrid") == [(datetime(2026, 6, 29, 22),)]
    assert read(TIMES, {"reviews": reviews(days)}) == [(datetime(2026, 6, 30),)]


def test_other_units_and_the_ends_of_time(read):
    nanoseconds = pa.array([datetime(2026, 6, 30, 14, 5)], pa.timestamp("ns"))
    assert read(TIMES, {"reviews": reviews(nanoseconds)}, naive_timestamps="Europe/Madrid") == [
        (datetime(2026, 6, 30, 12, 5),)
    ]
    ends = pa.array([-(2**63) + 10**15, 2**63 - 10**9], pa.timestamp("us"))
    found = read(
        "select reviewed_at is null, reviewed_at__unreadable is null from raw.reviews",
        {"reviews": reviews(ends)},
        naive_timestamps="Europe/Madrid",
    )
    assert all(value != unreadable for value, unreadable in found)


def test_without_local_times_the_views_know_nothing_of_them(read):
    query = "select sql from duckdb_views() where schema_name = 'raw'"
    for variables in ({}, {"naive_timestamps": "UTC"}, {"naive_timestamps": {"refunds": "UTC"}}):
        views = read(query, {}, **variables)
        assert not any("timezone" in sql or "__local" in sql or "__clock_change" in sql for (sql,) in views)


@pytest.mark.parametrize(
    ("naive_timestamps", "sentence"),
    [
        (
            "Europe/Madird",
            "naive_timestamps is 'Europe/Madird', which is no IANA time zone: did you mean Europe/Madrid?",
        ),
        ("madrid", "naive_timestamps is 'madrid', which is no IANA time zone: did you mean Europe/Madrid?"),
        (
            {"orders": "Aukland"},
            "naive_timestamps of orders is 'Aukland', which is no IANA time zone: did you mean Pacific/Auckland?",
        ),
        ("Xyzzy", "naive_timestamps is 'Xyzzy', which is no IANA time zone, such as Europe/Berlin."),
        ({"order": "Europe/Madrid"}, "naive_timestamps names 'order', which is no raw table: did you mean orders?"),
        (
            {"orderline": "Europe/Madrid"},
            "naive_timestamps names 'orderline', which is no raw table: did you mean order_lines?",
        ),
        ({"xyz": "Europe/Madrid"}, "naive_timestamps names 'xyz', which is no raw table."),
        (
            ["Europe/Madrid"],
            "naive_timestamps is '['Europe/Madrid']', but must be a time zone, such as Europe/Madrid, or a map of"
            " tables to time zones.",
        ),
        (2, "naive_timestamps is '2', but must be a time zone"),
    ],
)
def test_a_wrong_setting_is_named_with_the_nearest_right_one(project, tmp_path, naive_timestamps, sentence):
    write_tables(tmp_path, SMALL_SHOP)
    result = project.attempt("seed", raw_dir=tmp_path, **DAY, naive_timestamps=naive_timestamps)
    assert not result.success
    assert sentence in messages(result)


def test_a_run_tells_of_clock_changes(project, tmp_path):
    times = ["2025-10-26 02:30", "2025-03-30 02:30", "2025-03-30 02:45", "2025-06-01 02:30"]
    write_tables(tmp_path, SMALL_SHOP | {"reviews": reviews(times)})
    database = tmp_path / f"{DATABASE}.duckdb"
    result = project.attempt("run", "--select", "clock_changes", raw_dir=tmp_path, database=database, **DAY,
                             naive_timestamps={"reviews": "Europe/Madrid"})
    assert result.success, messages(result)
    with duckdb.connect(database) as connection:
        assert connection.execute("from staging.clock_changes").fetchall() == [
            ("reviews", "reviewed_at", "Europe/Madrid", 1, 2)
        ]
    assert (
        "reviews.reviewed_at: of the local times of Europe/Madrid, 1 lie in an hour that occurred twice (the first one"
        " is taken)"
        " and 2 in one that never was (moved forward by the change)."
    ) in (project.directory / "logs" / "dbt.log").read_text()


def test_numbers_that_stand_for_ids_are_digits(read):
    whole = [17.0, 1e16, 1.2345678901234568e16, -8e18, 1e40, -0.0]
    orders = pa.table(
        {
            "order_id": [*whole, 1.5, float("nan"), float("inf")],
            "customer_id": pa.array([16_777_216.0] * 9, pa.float32()),
        }
        | dict.fromkeys(["status", "currency", "ordered_at", "updated_at"], ["x"] * 9)
    )
    found = read("select order_id, customer_id from raw.orders", {"orders": orders})
    assert [row for row, _ in found] == [*(f"{int(number)}" for number in whole), "1.5", None, None]
    assert {customer for _, customer in found} == {"16777216"}


def test_an_account_of_17_digits_keeps_its_orders_and_the_run_warns(read, project):
    orders = pa.table(
        {
            "order_id": ["o1", "o2"],
            "customer_id": [12_345_678_901_234_568.0, 5.0],
            "status": ["paid"] * 2,
            "currency": ["EUR"] * 2,
        }
        | dict.fromkeys(["ordered_at", "updated_at"], ["2026-06-01 10:00"] * 2)
    )
    customers = ["customer_id,created_at,updated_at", "12345678901234568,2026-01-01 10:00,2026-01-01 10:00"]
    assert read(
        "select order_id from raw.orders inner join raw.customers using (customer_id)",
        {"orders": orders, "customers": customers},
    ) == [("o1",)]
    told = (project.directory / "logs" / "dbt.log").read_text()
    assert (
        "orders.customer_id holds 1 numbers, such as 12345678901234568, as DOUBLE, which keeps every digit up to"
        " 9007199254740992 alone:"
        " different ids may have become one. Export the column as text or as whole numbers."
    ) in told


def test_who_loads_a_warehouse_gets_moments_and_is_told_too(tmp_path, capsys):
    write_tables(tmp_path, SMALL_SHOP | {"reviews": reviews(["2025-10-26 02:30"])})
    with environment(RAW_DIR=tmp_path, DUCKDB_PATH=""):
        load_files(
            {"naive_timestamps": "Europe/Madrid"},
            lambda files: (str(time) for (time,) in files.execute(TIMES).fetchall()),
        )
        assert capsys.readouterr().out.splitlines()[-2:] == [
            "reviews: of the local times of Europe/Madrid in reviewed_at, 1 lie in an hour that occurred twice (the"
            " first one is taken) and 0 in one"
            " that never was (moved forward)",
            "2025-10-26 00:30:00",
        ]
        with pytest.raises(CannotDo, match="did you mean Europe/Madrid"):
            load_files({"naive_timestamps": "Europe/Madird"}, lambda files: ["loaded"])
