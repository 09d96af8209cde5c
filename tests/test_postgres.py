"""PostgreSQL gives what DuckDB gives, which other tests hold to the oracle. Run by `make postgres`.

Random shops of files are loaded typed, and our SQL as dbt renders it for PostgreSQL runs on a private server whose
locale does not order by code point.
"""

import random
import shutil
import tempfile
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

import connected_engines
from ecommerce_segments.engines.postgres_server import program, running_server
from loaded_shops import KEPT, REJECTED, assert_says_what_it_left_out, write_hardly_readable_shop
from project import CompiledProject, Project, environment, messages
from random_shops import write_shop
from test_history import HISTORY
from test_history import Shop as SimulatedShop
from test_identity import TEXTS, sql_of_emails, wrongly_compared
from test_increments import NIGHTS, STAGING, STAGING_MODELS, Warehouse, deliveries
from test_increments import SETTINGS as INCREMENT_SETTINGS
from test_random_shops import SURROUNDINGS, compared_shops, dbt_vars, shop_of

pytestmark = pytest.mark.postgres


# What the history's models read.
BEFORE_THE_HISTORY = """
    create schema marts; create table marts.segments (segment text); create table marts.segment_memberships (segment text, customer_id text);
    create table marts.customers (customer_id text, lifecycle_stage text, rfm_group text);
    create schema if not exists intermediate; create table intermediate.int_known_ids (account_id text, customer_id text);
    create table intermediate.int_current_sale (sale_campaign_id text)
"""  # noqa: E501


# That they are of a date, for a run that reads them without having built them.
def dates_of_models(on: date) -> str:
    rows = ", ".join(f"('model.ecommerce_segments.{name}', date '{on}')"
                     for name in ("segments", "segment_memberships", "customers", "int_known_ids", "int_current_sale"))
    return ("create table if not exists intermediate.dates_of_models (model text, as_of_date date); "
            f"truncate intermediate.dates_of_models; insert into intermediate.dates_of_models values {rows}")


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
    from ecommerce_segments.engines.load_postgres import load

    list(load(files, cursor.connection))
    for schema in ("connectors", "intermediate", "marts"):
        cursor.execute(f"create schema if not exists {schema}")
    for model in sql.models:
        cursor.execute(f"create {model.materialized} {model.relation} as {model.sql}")


@pytest.mark.parametrize(("name", "seed"), compared_shops())
def test_postgres_agrees_with_duckdb(project, on_postgres, cursor, tmp_path, name, seed):
    from ecommerce_segments.engines.compare_warehouses import differing_rows

    surroundings = SURROUNDINGS[name]
    shop = shop_of(seed, surroundings, dirt=0.05, conflicting_ties=True, doubtful=True)
    write_shop(shop, tmp_path / "shop", ("csv", "parquet")[seed % 2], shuffle_seed=seed)
    duckdb_sql = project.compiled(tmp_path / "shop", **dbt_vars(surroundings))
    postgres_sql = on_postgres.compiled(tmp_path / "shop", **dbt_vars(surroundings))
    with duckdb_sql.build(tmp_path / "shop") as connection:
        build(postgres_sql, connection, cursor)
        wrong = postgres_sql.failing_tests(Connection(cursor))
        marts = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'marts'"
        ).fetchall()
        for (mart,) in marts:
            here, there, differing = differing_rows(connection, cursor, f"marts.{mart}")
            wrong += [f"{mart}: {row}" for row in differing[:5]]
        for query in (KEPT, REJECTED):
            wrong += differences(connection.execute(query).fetchall(), Connection(cursor).execute(query).fetchall())
    assert wrong == []


def test_connectors_bring_what_they_bring_on_duckdb(project, on_postgres, cursor, tmp_path):
    """From tables whose nested columns are jsonb."""
    connected = Project(tmp_path / "artifacts", target="postgres", **connected_engines.SETTINGS)
    with connected_engines.on_duckdb(project, tmp_path) as connection:
        for table in connected_engines.source_tables(connected, connection):
            load_source_table(connection, table, cursor, tmp_path / "rows.csv")
        cursor.connection.commit()
        connected.dbt("run", "--select", "path:models/connectors", **connected_engines.SETTINGS)
        here = connected_engines.brought(connection)
    there = connected_engines.brought(Connection(cursor))
    # Other tests change the raw tables that these views read.
    cursor.execute("drop schema connectors cascade")
    cursor.connection.commit()
    assert connected_engines.differences(here, there) == []


def load_source_table(connection, table: connected_engines.SourceTable, cursor, scratch: Path) -> None:
    """Copy a table of a loader to PostgreSQL, as a loader may type it. scratch: a file for its rows."""
    names = ", ".join(f'"{name}"' for name in table.columns)
    types = ", ".join(f'"{name}" {kind.replace("nested", "jsonb")}' for name, kind in table.columns.items())
    values = ", ".join(
        f'to_json("{name}") as "{name}"' if kind == "nested" else f'"{name}"' for name, kind in table.columns.items()
    )
    connection.execute(f"copy (select {values} from {table.view}) to '{scratch}' (format csv, header false)")
    cursor.execute(f'create schema if not exists "{table.schema}"')
    cursor.execute(f'create table "{table.schema}"."{table.name}" ({types})')
    with scratch.open("rb") as rows:
        cursor.copy_expert(f'copy "{table.schema}"."{table.name}" ({names}) from stdin (format csv)', rows)


def differences(here: list[tuple], there: list[tuple]) -> list[str]:
    return [f"{row} is on one of the two only" for row in sorted({*here} ^ {*there}, key=repr)]


def test_emails_are_compared_as_on_duckdb(on_postgres, cursor):
    cursor.execute("create temporary table texts as select unnest(%s) as text", (TEXTS,))
    cursor.execute(sql_of_emails(on_postgres))
    assert wrongly_compared(cursor.fetchall()) == []


def test_the_loader_leaves_unreadable_rows_out_and_says_so(project, cursor, tmp_path):
    from ecommerce_segments.engines.load_postgres import load

    write_hardly_readable_shop(tmp_path)
    project.dbt("run-operation", "expose_raw_files", raw_dir=tmp_path)
    with duckdb.connect(project.database) as files:
        said = list(load(files, cursor.connection))
    assert_says_what_it_left_out(said)
    cursor.execute(
        "select order_id, cast(ordered_at as text), email, discount_amount, is_deleted from raw.orders order by"
        " order_id, updated_at"
    )
    assert cursor.fetchall() == [
        ("a", "2024-12-31 23:00:00", 'x "y"\n,\\.z', None, None),
        ("b", "2025-01-01 00:00:00", None, None, None),
        ("b", None, None, None, True),
    ]
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


def test_a_published_version_is_swapped_under_its_readers(on_postgres):
    """Three versions are kept; a reader's transaction goes on, and keeps the version that it reads from being dropped.
    """
    import psycopg2

    def connect():
        connection = psycopg2.connect("")
        connection.autocommit = True
        return connection

    def versions() -> dict[str, int]:
        cursor.execute("select nspname from pg_namespace where nspname like 'published%'")
        numbers = {}
        for (schema,) in cursor.fetchall():
            cursor.execute(f"select number from {schema}.customers")
            numbers[schema] = cursor.fetchone()[0]
        return numbers

    writer, reader = connect(), connect()
    cursor = writer.cursor()
    cursor.execute(
        "create schema if not exists marts; create table marts.segments as select date '2025-03-31' as as_of_date;"
        "create table marts.customers (customer_id text, number integer)"
    )

    def publish(number: int) -> None:
        cursor.execute(f"delete from marts.customers; insert into marts.customers values ('a', {number})")
        on_postgres.dbt("run-operation", "publish", "--args", "{marts: [customers, segments], kept: 3}")

    for number in (1, 2, 3):
        publish(number)
    assert versions() == {"published": 3, "published_1": 2, "published_2": 1}
    cursor.execute(
        "select obj_description('published.customers'::regclass), col_description('published.customers'::regclass, 1)"
    )
    told = on_postgres.manifest.nodes["model.ecommerce_segments.customers"]
    assert cursor.fetchone() == (told.description, told.columns["customer_id"].description)

    reader.autocommit = False
    reading = reader.cursor()
    reading.execute("select number from published_2.customers")
    publish(4)
    assert versions() == {"published": 4, "published_1": 3, "published_2": 2, "published_3": 1}
    reading.execute("select number from published_3.customers")
    assert reading.fetchone() == (1,)
    reader.rollback()
    publish(5)
    assert versions() == {"published": 5, "published_1": 4, "published_2": 3}

    on_postgres.dbt("run-operation", "rollback")
    assert versions() == {"published_withdrawn": 5, "published": 4, "published_1": 3}
    publish(6)
    assert versions() == {"published_withdrawn": 5, "published": 6, "published_1": 4, "published_2": 3}
    cursor.execute("drop schema marts cascade")
    reader.close()
    writer.close()


def test_history_through_dbt_agrees_with_a_simulation(on_postgres):
    """Dates follow each other, some are run again on corrected data, and a forgotten customer's rows lead to nobody."""
    import psycopg2

    connection = psycopg2.connect("")
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(BEFORE_THE_HISTORY)

    def insert(table: str, rows, schema: str = "marts") -> None:
        cursor.execute(f"truncate {schema}.{table}")
        for row in rows:
            cursor.execute(f"insert into {schema}.{table} values ({', '.join(['%s'] * len(row))})", row)

    def rows(table: str) -> list[tuple]:
        cursor.execute(f"select * from marts.{table}")
        return sorted(cursor.fetchall(), key=repr)

    shop, on = SimulatedShop(random.Random(3)), date(2025, 1, 1)
    for days_later in (0, 7, 0, 1, 0, 30):
        on += timedelta(days=days_later)
        state = shop.see(on)
        insert("segments", [(segment,) for segment in state["registered"]])
        insert("segment_memberships", state["members"])
        insert("int_known_ids", [(customer, customer) for customer in state["lifecycle_stage"]], schema="intermediate")
        insert(
            "customers",
            [(customer, stage, state["rfm_group"][customer]) for customer, stage in state["lifecycle_stage"].items()],
        )
        cursor.execute(dates_of_models(on))
        on_postgres.dbt("run", "--select", *HISTORY, as_of_date=str(on))
        for table, expected in (
            ("segment_history", shop.history()),
            ("segment_sizes", shop.sizes()),
            ("segment_transitions", shop.transitions()),
        ):
            assert rows(table) == sorted(expected, key=repr), (table, on)

    refused = on_postgres.attempt("run", "--select", *HISTORY, as_of_date="2025-01-02")
    assert "the history of segments has come to" in str(refused.exception)
    sizes, somebody = rows("segment_sizes"), rows("segment_history")[0][1]
    cursor.execute(
        "insert into staging.forgotten_customers values (encode(sha256(convert_to(%s, 'UTF8')), 'hex'), date"
        " '2025-03-01')",
        (somebody,),
    )
    on_postgres.dbt("run", "--select", *HISTORY, as_of_date=str(on))
    cursor.execute(
        "select count(*) from marts.membership_changes where customer_id = %s and as_of_date < %s", (somebody, on)
    )
    assert cursor.fetchone() == (0,)
    assert [row for row in rows("segment_sizes") if row[0] < on] == [row for row in sizes if row[0] < on]
    cursor.execute("drop schema marts cascade; drop schema intermediate cascade; truncate staging.forgotten_customers")
    connection.close()


def test_the_log_of_an_earlier_version_goes_on_and_follows_people(on_postgres):
    """Two customers become one; the dates before the log knew of that stay, and later the person is forgotten under all
    ids."""
    import psycopg2

    connection = psycopg2.connect("")
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(BEFORE_THE_HISTORY)
    def run_as_of(day: str) -> None:
        cursor.execute(dates_of_models(date.fromisoformat(day)))
        on_postgres.dbt("run", "--select", *HISTORY, as_of_date=day)

    cursor.execute(
        "insert into marts.segments values ('s'); insert into marts.segment_memberships values ('s', 'g'), ('s', 'b');"
        "insert into marts.customers values ('g', 'lead', null), ('b', 'new', null)"
    )
    run_as_of("2025-01-01")
    cursor.execute(
        "alter table marts.membership_changes drop column entered_on, drop column continued_as, drop column edition;"
        "truncate marts.customers, marts.segment_memberships; insert into marts.segment_memberships values ('s', 'a');"
        "insert into marts.customers values ('a', 'active', null); insert into intermediate.int_known_ids values ('a',"
        " 'a'), ('b', 'a'), ('g', 'a')"
    )
    run_as_of("2025-01-02")

    def rows(columns: str, table: str) -> list[tuple]:
        cursor.execute(f"select {columns} from marts.{table} order by 1, 2")
        return cursor.fetchall()

    first, second = date(2025, 1, 1), date(2025, 1, 2)
    assert rows("former_id, customer_id, as_of_date", "identity_changes") == [("b", "a", second), ("g", "a", second)]
    assert rows("customer_id, entered_on, exited_on", "segment_history") == [("a", first, None)]
    sizes = rows("as_of_date, customers, entered, exited", "segment_sizes")
    assert sizes == [(first, 2, None, None), (second, 1, 0, 0)]
    assert ("lifecycle_stage", "new", "active", 1) in rows(
        "trait, from_value, to_value, customers", "segment_transitions"
    )
    for name in "abg":
        cursor.execute(
            "insert into staging.forgotten_customers values (encode(sha256(convert_to(%s, 'UTF8')), 'hex'), date"
            " '2025-01-02')",
            (name,),
        )
    cursor.execute("truncate marts.customers, marts.segment_memberships, intermediate.int_known_ids")
    run_as_of("2025-01-03")
    assert (
        rows(
            "customer_id, continued_as",
            "membership_changes where customer_id in ('a', 'b', 'g') or continued_as is not null",
        )
        == []
    )
    assert rows("as_of_date, customers, entered, exited", "segment_sizes") == [*sizes, (date(2025, 1, 3), 0, 0, 1)]
    assert rows("*", "identity_changes") == rows("*", "segment_history") == []
    cursor.execute("drop schema marts cascade; drop schema intermediate cascade; truncate staging.forgotten_customers")
    connection.close()


def test_nights_give_what_a_full_refresh_gives_on_duckdb(project, on_postgres, tmp_path):
    import psycopg2

    from ecommerce_segments.engines.compare_warehouses import differing_rows
    from ecommerce_segments.engines.load_postgres import load

    refreshed = Warehouse(project, tmp_path)
    (tmp_path / "incremental").mkdir()
    nightly = Project(tmp_path / "incremental", target="postgres", incremental_staging=True)
    connection = psycopg2.connect("")
    connection.autocommit = True
    for night, shop in list(zip(NIGHTS, deliveries(4)))[1:]:
        write_shop(shop, tmp_path / str(night), "parquet")
        refreshed.run(tmp_path / str(night), night, *STAGING_MODELS)
        with duckdb.connect(refreshed.database) as files:
            list(load(files, connection))
            nightly.dbt(
                "build",
                "--exclude-resource-type",
                "test",
                "unit_test",
                *STAGING_MODELS,
                as_of_date=str(night),
                incremental_staging=True,
                **INCREMENT_SETTINGS,
            )
            for table in STAGING[:3]:
                assert differing_rows(files, connection.cursor(), table)[2] == [], (table, night)
    connection.cursor().execute("drop schema staging cascade; drop schema raw cascade")
    connection.close()
    on_postgres.dbt("run-operation", "create_raw_tables")
    on_postgres.dbt("seed")


def test_predictions_are_written_as_on_duckdb(project, on_postgres, tmp_path, monkeypatch):
    """Both tables at once or none, readable by the reporting role, and in the same rows."""
    import pandas as pd
    import psycopg2

    from ecommerce_segments.dbt_session import DbtError
    from ecommerce_segments.engines.compare_warehouses import differing_rows
    from ecommerce_segments.engines.source_tables import replace

    tables = {
        "customer_predictions": pd.DataFrame(
            {
                "customer_id": ['a "b"\n,c', "ä", "007"],
                "as_of_date": "2025-03-31",
                "probability_alive": [1, 1 / 3, None],
                "expected_value_365d": [12.345, 0.005, None],
            }
        ),
        "prediction_fits": pd.DataFrame(
            {
                "model": ["bg_nbd", "gamma_gamma"],
                "as_of_date": "2025-03-31",
                "reason": [None, "Too few, they say."],
                "customers": [3, 0],
                "log_likelihood": [-9582.4292, None],
            }
        ),
    }
    here = tmp_path / "shop.duckdb"
    with duckdb.connect(here) as connection:
        connection.execute("create schema marts")
    assert project.attempt("list", database=here).success
    replace(project.manifest, "estimates", tables)

    connection = psycopg2.connect("")
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("create schema marts; create role reporter; grant usage on schema marts to reporter")
    monkeypatch.setenv("BI_ROLE", "reporter")
    assert on_postgres.attempt("list").success
    for _ in range(2):
        replace(on_postgres.manifest, "estimates", tables)
        cursor.execute("create view marts.of_somebody as select * from marts.customer_predictions")
    with pytest.raises(DbtError, match="soon"):
        replace(
            on_postgres.manifest,
            "estimates",
            tables | {"prediction_fits": tables["prediction_fits"].assign(as_of_date="soon")},
        )
    cursor.execute("set role reporter")
    with duckdb.connect(here) as warehouse:
        compared = {name: differing_rows(warehouse, cursor, f"marts.{name}") for name in tables}
    cursor.execute("reset role; drop schema marts cascade; drop role reporter")
    connection.close()
    assert compared == {"customer_predictions": (3, 3, []), "prediction_fits": (2, 2, [])}
