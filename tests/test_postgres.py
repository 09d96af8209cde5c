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
from project import PROJECT, Project, environment, messages
from random_shops import write_shop
from test_random_shops import SURROUNDINGS, dbt_vars, shop_of

pytestmark = pytest.mark.postgres

SHOPS_PER_SURROUNDINGS = 4
KEPT = "select table_name, kept_rows, duplicate_rows, received_rows - rejected_rows from staging.row_counts order by table_name"
# A loader leaves a row with an unreadable value out, which DuckDB rejects.
REJECTED = """
    select table_name, row_key, reason from staging.rejected_rows where reason not like 'unreadable %'
    order by table_name, row_key collate "C" nulls last, reason
"""


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


def build(sql, files: duckdb.DuckDBPyConnection, cursor) -> list[str]:
    """Load the raw views of `files`, and build all models. Returns what the loader says."""
    from load_postgres import load

    said = list(load(files, cursor.connection))
    cursor.execute("create schema if not exists intermediate; create schema if not exists marts")
    for model in sql.models:
        cursor.execute(f"create {model.materialized} {model.relation} as {model.sql}")
    return said


@pytest.mark.parametrize("name", SURROUNDINGS)
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
