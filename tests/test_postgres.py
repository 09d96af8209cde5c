"""PostgreSQL gives what DuckDB gives, which other tests hold to the oracle. Run by `make postgres`.

Random shops of files are loaded typed, and our SQL as dbt renders it for PostgreSQL runs on a private server whose locale
does not order by code point.
"""

import shutil
import tempfile
from pathlib import Path

import duckdb
import pytest

from postgres_server import program, running_server
from project import CompiledProject, Project, environment, messages
from random_shops import write_shop
from test_random_shops import SURROUNDINGS, dbt_vars, shop_of

pytestmark = pytest.mark.postgres

SHOPS_PER_SURROUNDINGS = 2
KEPT = "select table_name, kept_rows, duplicate_rows, received_rows - rejected_rows from staging.row_counts"
# A loader leaves a row with an unreadable value out, which DuckDB rejects.
REJECTED = "select table_name, row_key, reason from staging.rejected_rows where reason not like 'unreadable %'"


@pytest.fixture(scope="module")
def on_postgres(tmp_path_factory):
    """The project parsed for PostgreSQL, with a server and the seeds on it."""
    # Not in pytest's own directory, which only its user may enter: root's server runs as another one.
    directory = Path(tempfile.mkdtemp(prefix="postgres-"))
    with running_server(directory) as variables, environment(**variables):
        project = Project(tmp_path_factory.mktemp("postgres"), target="postgres")
        project.dbt("run-operation", "create_raw_tables")
        project.dbt("seed")
        yield project
    shutil.rmtree(directory)


@pytest.fixture
def cursor(on_postgres):
    """A cursor whose changes are taken back in the end."""
    import psycopg2

    connection = psycopg2.connect("")
    yield connection.cursor()
    connection.rollback()
    connection.close()


class Connection:
    """Executes as DuckDB's connections do."""

    def __init__(self, cursor):
        self.cursor = cursor

    def execute(self, sql: str):
        self.cursor.execute(sql)
        return self.cursor


def build(sql: CompiledProject, files: duckdb.DuckDBPyConnection, cursor) -> None:
    """Load the raw views of `files`, and build all models."""
    from load_postgres import load

    list(load(files, cursor.connection))
    cursor.execute("create schema if not exists intermediate; create schema if not exists marts")
    for model in sql.models:
        cursor.execute(f"create {model.materialized} {model.relation} as {model.sql}")


@pytest.mark.parametrize("name", ["clocks_forward", "other_rhythm", "cut_points"])
def test_postgres_agrees_with_duckdb(project, on_postgres, cursor, tmp_path, name):
    from compare_warehouses import differing_rows

    surroundings = SURROUNDINGS[name]
    write_shop(shop_of(0, surroundings), tmp_path / "any", "parquet")
    duckdb_sql = project.compiled(tmp_path / "any", **dbt_vars(surroundings))
    postgres_sql = on_postgres.compiled(tmp_path / "any", **dbt_vars(surroundings))
    found = {}
    for seed in range(SHOPS_PER_SURROUNDINGS):
        directory = tmp_path / str(seed)
        shop = shop_of(seed, surroundings, dirt=0.05, conflicting_ties=True, doubtful=True)
        write_shop(shop, directory, ("csv", "parquet")[seed % 2], shuffle_seed=seed)
        with duckdb_sql.build(directory) as connection:
            cursor.execute("savepoint before_shop")
            build(postgres_sql, connection, cursor)
            wrong = postgres_sql.failing_tests(Connection(cursor))
            marts = connection.execute("select table_name from information_schema.tables where table_schema = 'marts'").fetchall()
            for (mart,) in marts:
                here, there, differing = differing_rows(connection, cursor, f"marts.{mart}")
                wrong += [f"{mart}: {row}" for row in differing[:5]]
            for query in (KEPT, REJECTED):
                wrong += differences(connection.execute(query).fetchall(), Connection(cursor).execute(query).fetchall())
            cursor.execute("rollback to savepoint before_shop")
        if wrong:
            found[seed] = wrong[:20]
    assert not found


def differences(here: list[tuple], there: list[tuple]) -> list[str]:
    return [f"{row} is on one of the two only" for row in sorted({*here} ^ {*there}, key=repr)]


def test_the_loader_leaves_unreadable_rows_out_and_says_so(project, cursor, tmp_path):
    from load_postgres import load

    tables = {
        "customers": "customer_id,created_at,updated_at,birth_date\n1,2025-01-01 00:00,2025-01-01 00:00,31.02.1980\n",
        "products": "product_id,updated_at\n1,0000-12-31 00:00\n",
        "orders": "order_id,ordered_at,status,currency,updated_at,discount_amount,email\n"
                  'a,2025-01-01T01:00+02:00,paid,EUR,2025-01-01 00:00,,"x ""y""\n,\\.z"\n'
                  'b,2025-01-01 00:00,paid,EUR,2025-01-01 00:00,"1,5",\n',
        "order_lines": "order_line_id,order_id,quantity,unit_price,updated_at\n",
    }
    for table, text in tables.items():
        (tmp_path / f"{table}.csv").write_text(text)
    project.dbt("run-operation", "expose_raw_files", raw_dir=tmp_path)
    with duckdb.connect(project.database) as files:
        said = list(load(files, cursor.connection))
    assert "customers: 1 unreadable values of birth_date, such as '31.02.1980', loaded as null" in said
    assert "orders: 1 unreadable values of discount_amount, such as '1,5', their rows left out" in said
    assert {"customers: 1 rows", "orders: 1 rows", "order_lines: 0 rows", "reviews: 0 rows"} <= set(said)
    cursor.execute("select order_id, cast(ordered_at as text), email, discount_amount from raw.orders")
    assert cursor.fetchall() == [("a", "2024-12-31 23:00:00", 'x "y"\n,\\.z', None)]
    cursor.execute("select cast(updated_at as text) from raw.products")
    assert cursor.fetchall() == [("0001-12-31 00:00:00 BC",)]


def test_raw_tables_of_other_types_stop_the_build_with_a_sentence(on_postgres):
    import psycopg2

    connection = psycopg2.connect("")
    connection.autocommit = True
    change = "alter table raw.orders alter ordered_at type {}; alter table raw.reviews rename to {}"
    connection.cursor().execute(change.format("timestamp with time zone", "ratings"))
    said = messages(on_postgres.attempt("seed"))
    connection.cursor().execute(change.replace("raw.reviews", "raw.ratings").format("timestamp", "reviews"))
    connection.close()
    assert "orders.ordered_at is timestamp with time zone, but must be timestamp; reviews is missing." in said


def test_a_missing_postgresql_is_named():
    with pytest.raises(FileNotFoundError, match="PostgreSQL is not installed: there is no initdbx on PATH"):
        program("initdbx")


def test_predictions_are_written_as_on_duckdb(project, on_postgres, tmp_path, monkeypatch):
    """Both tables at once or none, readable by the reporting role, and in the same rows."""
    import pandas as pd
    import psycopg2

    from compare_warehouses import differing_rows
    from dbt_session import DbtError
    from source_tables import replace

    tables = {
        "customer_predictions": pd.DataFrame({"customer_id": ['a "b"\n,c', "ä", "007"], "as_of_date": "2025-03-31", "probability_alive": [1, 1 / 3, None],
                                              "expected_value_365d": [12.345, 0.005, None]}),
        "prediction_fits": pd.DataFrame({"model": ["bg_nbd", "gamma_gamma"], "as_of_date": "2025-03-31", "reason": [None, "Too few, they say."],
                                         "customers": [3, 0], "log_likelihood": [-9582.4292, None]})}
    here = tmp_path / "shop.duckdb"
    with duckdb.connect(here) as connection:
        connection.execute("create schema marts")
    assert project.attempt("list", database=here).success
    replace(project.manifest, "predictions", tables)

    connection = psycopg2.connect("")
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("create schema marts; create role reporter; grant usage on schema marts to reporter")
    monkeypatch.setenv("BI_ROLE", "reporter")
    assert on_postgres.attempt("list").success
    for _ in range(2):
        replace(on_postgres.manifest, "predictions", tables)
        cursor.execute("create view marts.of_somebody as select * from marts.customer_predictions")
    with pytest.raises(DbtError, match="soon"):
        replace(on_postgres.manifest, "predictions", tables | {"prediction_fits": tables["prediction_fits"].assign(as_of_date="soon")})
    cursor.execute("set role reporter")
    with duckdb.connect(here) as warehouse:
        compared = {name: differing_rows(warehouse, cursor, f"marts.{name}") for name in tables}
    cursor.execute("reset role; drop schema marts cascade; drop role reporter")
    connection.close()
    assert compared == {"customer_predictions": (3, 3, []), "prediction_fits": (2, 2, [])}
