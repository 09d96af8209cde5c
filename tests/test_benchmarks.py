"""The benchmarks compute what they claim: on a small shop the script by hand, polars, pandas and our models find the
same. No test of time."""

import re
import sys
from pathlib import Path

import duckdb
import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
import run  # noqa: E402
from shop import SETTINGS, TABLES, make_shop  # noqa: E402

SCALE = 0.02
BLANKS = ["' '", "e'\\t'", "e'\\r\\n'"]
# One worker runs them all, so that the shop is built once.
pytestmark = pytest.mark.xdist_group("benchmarks")


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    directory = tmp_path_factory.mktemp("shop")
    make_shop(SCALE, directory)
    with duckdb.connect() as connection:
        for table in run.COLUMNS:
            put_blanks_around_texts(connection, directory / f"{table}.parquet")
    return directory


def put_blanks_around_texts(connection, file):
    """One text in twenty stands between blanks, and some that are none are blanks alone, as deliveries may have them.
    """
    columns = connection.execute(f"describe from '{file}'").fetchall()
    padded = ", ".join(
        f"case when hash({number}, file_row_number) % 20 = 0 then {BLANKS[number % 3]} || coalesce({name}, '') ||"
        f" {BLANKS[(number + 1) % 3]} else {name} end as {name}"
        for number, (name, data_type, *_) in enumerate(columns)
        if data_type == "VARCHAR"
    )
    connection.execute(
        f"create or replace table padded as select * exclude (file_row_number) replace ({padded}) from"
        f" read_parquet('{file}', file_row_number = true)"
    )
    connection.execute(f"copy padded to '{file}'")


@pytest.fixture(scope="module")
def expected(raw, tmp_path_factory):
    """The result of our models: a directory with members.parquet and row_counts.parquet."""
    from project import Project
    work = tmp_path_factory.mktemp("expected")
    connection = Project(tmp_path_factory.mktemp("project")).compiled(raw, **SETTINGS).build(raw)
    run.copy_result(connection, work)
    return work


def test_each_segment_holds_someone_and_each_fault_occurs(expected):
    with duckdb.connect() as connection:
        found = connection.execute(f"select distinct segment from '{expected}/members.parquet'").fetchall()
        assert {name for (name,) in found} == set(run.segment_names())
        faulty = connection.execute(
            f"from '{expected}/row_counts.parquet' where rejected_rows > 0 and duplicate_rows > 0"
        ).fetchall()
        assert {row[0] for row in faulty} >= {"orders", "order_lines", "web_events", "email_events"}


@pytest.mark.parametrize("contender", ["by_hand", "by_hand_on_disk", "polars", "pandas"])
def test_contenders_find_what_our_models_find(contender, raw, expected, tmp_path):
    run.contend(contender, raw, tmp_path)
    assert run.differences(expected, tmp_path) == []


def test_a_difference_is_found(expected, tmp_path):
    with duckdb.connect() as connection:
        connection.execute(
            "copy (select segment, case when row_number() over (order by segment, customer_id) = 1 then 'else' else"
            " customer_id end as customer_id, category"
            f" from '{expected}/members.parquet') to '{tmp_path}/members.parquet'"
        )
        connection.execute(
            f"copy (select * replace (kept_rows + 1 as kept_rows) from '{expected}/row_counts.parquet') to"
            f" '{tmp_path}/row_counts.parquet'"
        )
    assert len(run.differences(tmp_path, expected)) == 4


def test_the_results_name_models_as_they_are_called_now():
    found = set(re.findall(r'"((?:base|stg|int|trait|seg)_\w+)"', (BENCHMARKS / "results.json").read_text()))
    assert len(found) > 50 and found <= {path.stem for path in (BENCHMARKS.parent / "models").rglob("*.sql")}


def test_the_same_seed_makes_the_same_shop(tmp_path):
    make_shop(SCALE, tmp_path / "one")
    make_shop(SCALE, tmp_path / "again")
    make_shop(SCALE, tmp_path / "other", seed=2)
    with duckdb.connect() as connection:
        for table in TABLES:
            file = f"{table}.parquet"
            assert (
                connection.execute(f"from '{tmp_path / 'one' / file}'").fetchall()
                == connection.execute(f"from '{tmp_path / 'again' / file}'").fetchall()
            )
        assert (
            connection.execute(f"from '{tmp_path}/one/orders.parquet'").fetchall()
            != connection.execute(f"from '{tmp_path}/other/orders.parquet'").fetchall()
        )
