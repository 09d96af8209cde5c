"""Apache Spark gives what DuckDB gives, which other tests hold to the oracle. Run by `make spark`.

Random shops of files are loaded typed, and our SQL as dbt renders it for Spark runs in the session that dbt uses in
this process.
"""

import random
import re
import shutil
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import duckdb
import pytest

import connected_engines
from loaded_shops import KEPT, REJECTED, assert_says_what_it_left_out, write_hardly_readable_shop
from project import PROJECT, CompiledProject, Project, environment, messages
from random_shops import write_shop
from test_random_shops import FULL_SHOPS, SURROUNDINGS, compared_shops, dbt_vars, shop_of

pytestmark = pytest.mark.spark

BEGIN = date(2025, 3, 27)
# Compiling a query takes longer than a few rows do. All connectors in one session need more memory than a shop does.
INTERPRETED = (
    "--driver-memory 4g --conf spark.sql.codegen.wholeStage=false --conf spark.sql.codegen.factoryMode=NO_CODEGEN"
    " --conf spark.sql.shuffle.partitions=1 pyspark-shell"
)


@pytest.fixture(scope="module")
def on_spark(tmp_path_factory):
    """The project parsed for Spark, with an empty warehouse of its own, its raw tables and its seeds."""
    directory = tmp_path_factory.mktemp("spark")
    with environment(
        SPARK_WAREHOUSE=directory / "warehouse",
        SPARK_CONF_DIR=PROJECT / "ecommerce_segments" / "engines" / "spark_conf",
        PYSPARK_SUBMIT_ARGS=INTERPRETED,
    ):
        project = Project(directory, target="spark")
        project.dbt("run-operation", "create_raw_tables")
        project.dbt("seed")
        yield project


@pytest.fixture
def spark(on_spark):
    from ecommerce_segments.engines.spark_session import spark_session

    return spark_session()


@pytest.fixture
def cursor(spark):
    from ecommerce_segments.engines.compare_warehouses import SparkCursor

    return SparkCursor(spark)


@pytest.fixture
def marts(spark):
    """An empty schema for marts."""
    spark.sql("create schema if not exists marts")
    yield
    # Iceberg remembers tables that go with their schema.
    for table in spark.sql("show tables in marts").where("not isTemporary").collect():
        spark.sql(f"drop table marts.{table.tableName} purge")


@pytest.fixture(scope="module")
def copy(on_spark, tmp_path_factory):
    """The project as another shop may have changed it."""
    root = tmp_path_factory.mktemp("copy") / "project"
    shutil.copytree(
        PROJECT,
        root,
        ignore=shutil.ignore_patterns(".*", "data", "dbt_packages", "warehouse", "target", "logs", "published"),
    )
    (root / "seeds" / "sale_campaigns.csv").write_text(
        "sale_campaign_id,sale_name,starts_on,ends_on,prior_sale_campaign_id\n1,Mum's \\ 20% 'n' more,2025-01-01,,\n")
    return Project(tmp_path_factory.mktemp("copy_artifacts"), root=root, target="spark")


# The marts that need a campaign, a global holdout or a second date.
NEED_MORE = (
    "alerts", "campaign_audiences", "campaign_lift", "campaign_margins", "identity_changes", "programme_lift",
    "segment_transitions",
)  # fmt: skip


def in_memory(sql: str) -> str:
    """SQL with the tables of all schemas as temporary views, whose names have no schema."""
    return re.sub(r"\b(raw|connectors|staging|intermediate|marts)\.(\w+)", r"\1__\2", sql)


def build(sql: CompiledProject, files: duckdb.DuckDBPyConnection, spark, directory) -> None:
    """Load the raw views of `files`, and build all models, in memory."""
    from ecommerce_segments.engines.load_spark import spark_frame
    from ecommerce_segments.raw_contract import raw_contract

    for table, columns in raw_contract().items():
        spark_frame(files, spark, table, columns, directory / f"{table}.parquet").createOrReplaceTempView(
            f"raw__{table}"
        )
    for seed in (PROJECT / "seeds").glob("*.csv"):
        spark.table(f"staging.{seed.stem}").createOrReplaceTempView(f"staging__{seed.stem}")
    for model in sql.models:
        frame = spark.sql(in_memory(model.sql))
        # What only filters is not worth a job of its own.
        is_kept = model.materialized == "table" and not model.name.startswith("seg_")
        (frame.coalesce(1).localCheckpoint() if is_kept else frame).createOrReplaceTempView(in_memory(model.relation))


def test_connectors_bring_what_they_bring_on_duckdb(project, on_spark, spark, cursor, tmp_path):
    """From tables with nested columns, as the export of Google Analytics has them."""
    connected = Project(tmp_path / "artifacts", target="spark", **connected_engines.SETTINGS)
    with connected_engines.on_duckdb(project, tmp_path) as connection:
        for number, table in enumerate(connected_engines.source_tables(connected, connection)):
            rows = tmp_path / f"{number}.parquet"
            names = ", ".join(f'"{name}"' for name in table.columns)
            connection.execute(f"copy (select {names} from {table.view}) to '{rows}'")
            spark.sql(f"create schema if not exists {table.schema}")
            frame = spark.read.parquet(str(rows))
            # A timestamp without a zone is a type of its own there, which loaders do not land.
            moments = {name: frame[name].cast("timestamp") for name, kind in frame.dtypes if kind == "timestamp_ntz"}
            frame.withColumns(moments).write.saveAsTable(f"{table.schema}.`{table.name}`")
        connected.dbt("run", "--select", "path:models/connectors", **connected_engines.SETTINGS)
        here = connected_engines.brought(connection)
    assert connected_engines.differences(here, connected_engines.brought(cursor)) == []


@pytest.mark.parametrize(("name", "seed"), compared_shops())
def test_spark_agrees_with_duckdb(project, on_spark, spark, tmp_path, name, seed):
    from ecommerce_segments.engines.compare_warehouses import SparkCursor, differing_rows

    class InMemory(SparkCursor):
        def execute(self, sql: str):
            return super().execute(in_memory(sql))

    surroundings, cursor = SURROUNDINGS[name], InMemory(spark)
    write_shop(
        shop_of(seed, surroundings, dirt=0.05, conflicting_ties=True, doubtful=True),
        tmp_path / "shop",
        ("csv", "parquet")[seed % 2],
    )
    duckdb_sql = project.compiled(tmp_path / "shop", **dbt_vars(surroundings))
    spark_sql = on_spark.compiled(tmp_path / "shop", **dbt_vars(surroundings))
    wrong = []
    with duckdb_sql.build(tmp_path / "shop") as connection:
        build(spark_sql, connection, spark, tmp_path)
        # A segment is compared by its members.
        for model in (
            model
            for model in spark_sql.models
            if model.relation.startswith("marts.") and not model.name.startswith("seg_")
        ):
            here, there, differing = differing_rows(connection, cursor, model.relation)
            is_full = (name, seed) in FULL_SHOPS and model.name not in NEED_MORE
            assert here or not is_full, model.name
            wrong += [f"{model.name}: {row}" for row in differing[:5]]
        for query in (KEPT, REJECTED):
            wrong += sorted({*connection.execute(query).fetchall()} ^ {*cursor.execute(query).fetchall()}, key=repr)
    assert wrong == []


def rendered(project: Project, expression: str, **variables: object) -> str:
    return project.dbt("compile", "--inline", "select " + expression, **variables).result.results[0].node.compiled_code


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Africa/Casablanca", "Pacific/Apia"])
def test_local_dates_are_exact_where_clocks_change(on_spark, spark, zone):
    """Days skipped (Apia, 2011), clocks that change twice in a spring (Casablanca), and all hours around them."""
    moments = [datetime(2011, 12, 29) + timedelta(minutes=29 * step) for step in range(300)]
    moments += [
        datetime(year, month, 25) + timedelta(minutes=29 * step)
        for year in (2018, 2024)
        for month in (3, 5, 10)
        for step in range(400)
    ]
    values = ", ".join(f"(timestamp '{moment}')" for moment in moments)
    sql = rendered(on_spark, "moment, {{ local_date('moment') }} as local_date", shop_timezone=zone)
    found = spark.sql(
        f"select cast(moment as string), local_date from ({sql} from values {values} as moments (moment))"
    ).collect()
    expected = [(str(moment), moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()) for moment in moments]
    assert [tuple(row) for row in found] == expected


def test_quotients_are_exact(on_spark, spark):
    """Half up, away from zero, whatever the digits; null where the divisor is 0."""
    rng = random.Random(7)
    pairs = [
        ("0.5", "100000000"),
        ("-0.5", "100000000"),
        ("1", "3"),
        ("2", "3"),
        ("999999999999.999999", "1.000001"),
        ("7", "0"),
        ("0", "7"),
    ]
    pairs += [
        (f"{rng.randint(-(10**12), 10**12)}.{rng.randint(0, 10**6 - 1):06}", str(rng.randint(1, 10**6)))
        for _ in range(500)
    ]
    sql = rendered(
        on_spark, "{{ quotient('dividend', 'divisor', 8, digits=28) }} as quotient from pairs order by position"
    )
    values = ", ".join(
        f"({position}, {dividend}, cast({divisor} as decimal(18, 6)))"
        for position, (dividend, divisor) in enumerate(pairs)
    )
    found = spark.sql(
        f"with pairs as (select position, cast(dividend as decimal(28, 6)) as dividend, divisor from values {values}"
        f" as pairs (position, dividend, divisor)) {sql}"
    ).collect()
    expected = [
        round_half_up(Decimal(dividend), Decimal(divisor)) if Decimal(divisor) else None for dividend, divisor in pairs
    ]
    assert [row[0] for row in found] == expected


def round_half_up(dividend: Decimal, divisor: Decimal) -> Decimal:
    """To 8 places: the units of the last place, counted in whole numbers."""
    numerator, denominator = int(abs(dividend) * 10**14), int(divisor * 10**6)
    return (-1 if dividend < 0 else 1) * Decimal((2 * numerator + denominator) // (2 * denominator)) / 10**8


def test_texts_are_read_as_on_duckdb(project, on_spark, spark):
    texts = [
        "a@b.c",
        " A@B.C ",
        "a@b.c\n",
        "a@b.c\u2028",
        "\ufeffa@B.c\u00a0\t",
        "a\u200b@b.c",
        "a\u00a0@b.c",
        "a@b .c",
        "a@b\t.c",
        "a@b",
        "é@É.c",
        "ﬁ@b.C",
        "a'b@c.d",
        "a\\b@c.d",
        "+4912345678",
        "+4912345678\n",
    ]
    literals = (
        "{% set texts = "
        + repr(texts)
        + " %}{% for text in texts %}select {{ loop.index }} as position, {{ text_literal(text) }} as text"
        "{{ ' union all ' if not loop.last }}{% endfor %}"
    )
    expression = (
        "position, text, {{ normalized_email('text') }} as email, {{ is_e164('text') }} as is_phone, {{"
        " sha256_hex('text') }} as hash, "
        "{{ hash_bucket('text', 10000) }} as bucket, {{ named_values({'a': 'text', 'b': 'nullif(text, text)'}) }} as"
        " named from ("
        + literals
        + ") as texts"
    )
    with duckdb.connect() as connection:
        here = connection.execute(rendered(project, expression)).fetchall()
    there = [tuple(row) for row in spark.sql(rendered(on_spark, expression)).collect()]
    assert sorted(row[1] for row in there) == sorted(texts)
    assert sorted(there) == sorted(here)


HISTORY = ["membership_changes", "segment_history", "segment_sizes", "segment_transitions", "identity_changes"]


def test_history_is_that_of_duckdb(on_spark, spark, cursor, marts, tmp_path):
    """Over four dates, one of them repeated with other people and fewer changes, and a person forgotten in between."""
    from hashlib import sha256

    from ecommerce_segments.engines.compare_warehouses import differing_rows

    here = Project(tmp_path, root=PROJECT)
    write_shop(shop_of(0, SURROUNDINGS["clocks_forward"]), tmp_path / "raw", "parquet")
    with environment(RAW_DIR=tmp_path / "raw"):
        here.dbt("seed", raw_dir=tmp_path / "raw")
    path = here.database

    def on_duckdb(sql: str) -> None:
        with duckdb.connect(path) as connection:
            connection.execute(sql)

    for execute, kind in ((on_duckdb, ""), (spark.sql, " using iceberg")):
        execute("create schema if not exists marts")
        execute(
            "create table marts.customers (customer_id varchar(9), lifecycle_stage varchar(9), rfm_group"
            f" varchar(9)){kind}"
        )
        execute(f"create table marts.segment_memberships (segment varchar(9), customer_id varchar(9)){kind}")
        execute(f"create table marts.segments{kind} as select 'loyal' as segment union all select 'lost'")
        execute("create schema if not exists intermediate")
        execute(f"create table intermediate.int_known_ids (account_id varchar(9), customer_id varchar(9)){kind}")
        execute(
            f"create table intermediate.dates_of_models (model {'string' if kind else 'text'}, as_of_date date){kind}"
        )
        execute(f"create table intermediate.int_current_sale{kind} as select 'summer' as sale_campaign_id")

    first = {"a": ("new", "x", "loyal"), "b": ("active", "y", "loyal"), "c": ("lead", None, "lost")}
    forgotten = sha256(b"b").hexdigest()
    for number, states in enumerate([
        first, first | {"a": ("active", "y", "lost"), "b": ("inactive", "z", "lost"), "d": ("new", "x", "loyal")},
        first | {"a": ("active", "x", "loyal")},
        # c is a by now.
        {"a": ("new", "y", "loyal"), "e": ("new", "x", "loyal")},
    ]):
        # The third run repeats the second's date: it changes less, and what is gone must go.
        run_date = BEGIN + timedelta(days=number - (number > 1))
        if number == 3:
            for execute in (on_duckdb, spark.sql):
                execute(f"insert into staging.forgotten_customers values ('{forgotten}', date '2025-03-28')")
        steps_of(here, on_duckdb, run_date, states, tmp_path / "raw")
        steps_of(on_spark, spark.sql, run_date, states, None)
        with duckdb.connect(path) as warehouse:
            compared = {name: differing_rows(warehouse, cursor, f"marts.{name}") for name in HISTORY}
            dates = warehouse.execute(
                "select count(distinct as_of_date), count(*) from marts.membership_changes"
            ).fetchone()
        assert {name: differing for name, (_, _, differing) in compared.items() if differing} == {}, number
        assert dates[0] == (1, 2, 2, 3)[number] and dates[1] > 10
    names = {name for (name,) in cursor.execute("select distinct customer_id from marts.membership_changes").fetchall()}
    assert "b" not in names and {"a", "c", "forgotten:1"} <= names
    assert sorted(cursor.execute("select former_id, customer_id from marts.identity_changes").fetchall()) == [
        ("c", "a")
    ]
    said = messages(on_spark.attempt("run", "--select", "membership_changes", as_of_date=BEGIN))
    assert "the history of segments has come to 2025-03-29, and goes only forward" in said


def steps_of(project: Project, execute, run_date: date, states: dict, raw_dir) -> None:
    """Run the history for a date on which customers, by id, are in a lifecycle stage, an RFM group and a segment."""
    execute("delete from marts.customers")
    execute("delete from marts.segment_memberships")
    values = ", ".join(
        f"('{customer}', '{stage}', " + (f"'{group}')" if group else "null)")
        for customer, (stage, group, _) in states.items()
    )
    execute(f"insert into marts.customers values {values}")
    execute("delete from intermediate.int_known_ids")
    ids = dict.fromkeys(states, None) | ({"c": "a"} if "e" in states else {})
    execute(
        "insert into intermediate.int_known_ids values "
        + ", ".join(f"('{account}', '{customer or account}')" for account, customer in ids.items())
    )
    execute(
        "insert into marts.segment_memberships values "
        + ", ".join(f"('{segment}', '{customer}')" for customer, (_, _, segment) in states.items())
    )
    execute("delete from intermediate.dates_of_models")
    for name in ("segments", "segment_memberships", "customers", "int_known_ids", "int_current_sale"):
        execute(
            f"insert into intermediate.dates_of_models values ('model.ecommerce_segments.{name}', date '{run_date}')"
        )
    project.dbt("run", "--select", *HISTORY, raw_dir=raw_dir, as_of_date=str(run_date))


def test_versions_are_published_and_withdrawn(on_spark, spark, cursor, marts):
    """Three versions are kept.

    A version that is not whole is no version; a mart that is published no more has no view.
    """
    spark.sql("create table marts.segments using iceberg as select date '2025-03-31' as as_of_date")
    spark.sql("create table marts.customers (customer_id string, number int) using iceberg")

    def publish(number: int, marts: str = "customers, segments") -> None:
        spark.sql(f"insert overwrite marts.customers values ('a', {number}), ('forgotten', {number})")
        on_spark.dbt("run-operation", "publish", "--args", f"{{marts: [{marts}], kept: 3}}")

    def versions() -> list[int]:
        schemas = [name for (name,) in cursor.execute("show schemas like 'published_2*'").fetchall()]
        return [
            cursor.execute(f"select min(number) from {schema}.customers").fetchone()[0] for schema in sorted(schemas)
        ]

    def published() -> int:
        return cursor.execute("select min(number) from published.customers").fetchone()[0]

    publish(1)
    assert not on_spark.attempt("run-operation", "rollback").success and published() == 1
    spark.sql("create schema published_20250101_000000_000000")
    for number in (2, 3):
        publish(number)
    assert versions() == [1, 2, 3] and published() == 3
    assert cursor.execute("select as_of_date from published.manifest").fetchone() == (date(2025, 3, 31),)
    spark.sql("insert into staging.forgotten_customers values (sha2('forgotten', 256), date '2025-03-28')")
    publish(4)
    assert versions() == [2, 3, 4] and published() == 4
    assert cursor.execute("select customer_id from published.customers").fetchall() == [("a",)]
    on_spark.dbt("run-operation", "rollback")
    assert versions() == [2, 3, 4] and published() == 3
    publish(5, "segments, customers")
    assert published() == 5
    spark.sql("delete from staging.forgotten_customers")
    on_spark.dbt("run-operation", "publish", "--args", "{marts: [segments], kept: 3}")
    shown = cursor.execute("show tables in published").fetchall()
    assert {name for _, name, is_temporary in shown if not is_temporary} == {"segments", "manifest"}


def test_the_loader_leaves_unreadable_rows_out_and_says_so(project, on_spark, spark, cursor, tmp_path):
    from ecommerce_segments.engines.load_spark import load

    write_hardly_readable_shop(tmp_path)
    project.dbt("run-operation", "expose_raw_files", raw_dir=tmp_path)
    with duckdb.connect(project.database) as files:
        said = list(load(files, spark))
    assert_says_what_it_left_out(said)
    cursor.execute(
        "select order_id, ordered_at, email, discount_amount, is_deleted from raw.orders order by order_id, updated_at"
    )
    assert cursor.fetchall() == [
        ("a", datetime(2024, 12, 31, 23), 'x "y"\n,\\.z', None, None),
        ("b", datetime(2025, 1, 1), None, None, None),
        ("b", None, None, None, True),
    ]
    assert cursor.execute("select year(updated_at) from raw.products").fetchone() == (0,)


def test_raw_tables_of_other_types_stop_the_build_with_a_sentence(on_spark, spark):
    columns = spark.table("raw.orders").columns
    spark.sql("alter table raw.orders rename to raw.former_orders")
    spark.sql(
        "create view raw.orders as select "
        + ", ".join(columns).replace("ordered_at", "cast(ordered_at as timestamp_ntz) as ordered_at")
        + " from raw.former_orders"
    )
    spark.sql("drop table raw.reviews")
    said = messages(on_spark.attempt("seed", "--select", "rfm_groups"))
    spark.sql("drop view raw.orders")
    spark.sql("alter table raw.former_orders rename to raw.orders")
    on_spark.dbt("run-operation", "create_raw_tables")
    assert "orders.ordered_at is timestamp_ntz, but must be timestamp; reviews is missing." in said
    assert on_spark.attempt("seed", "--select", "rfm_groups").success


def test_seeds_keep_empty_values_and_quotes(on_spark, copy, cursor):
    copy.dbt("seed", "--select", "sale_campaigns")
    found = cursor.execute("select * from staging.sale_campaigns").fetchall()
    on_spark.dbt("seed", "--select", "sale_campaigns")
    assert found == [("1", "Mum's \\ 20% 'n' more", date(2025, 1, 1), None, None)]


@pytest.mark.parametrize(
    ("setting", "other"),
    [("timeZone: UTC", "timeZone: Europe/Berlin"), ('allowPrecisionLoss: "false"', 'allowPrecisionLoss: "true"')],
)
def test_a_session_that_would_change_results_stops_the_build(copy, setting, other):
    profiles = copy.root / "profiles.yml"
    ours = profiles.read_text()
    assert setting in ours
    profiles.write_text(ours.replace(setting, other))
    said = messages(copy.attempt("seed", "--select", "sale_campaigns"))
    profiles.write_text(ours)
    needed, found = (text.split()[1].strip('"') for text in (setting, other))
    assert f"is {found}, but must be {needed}" in said


def test_predictions_are_written_as_on_duckdb(project, on_spark, spark, cursor, marts, tmp_path):
    """In the same rows, and none where a value does not fit; what a table was before goes when it is told to."""
    import pandas as pd

    from ecommerce_segments.dbt_session import DbtError
    from ecommerce_segments.engines.compare_warehouses import differing_rows
    from ecommerce_segments.engines.expire_snapshots import expire
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
    for _ in range(2):
        replace(on_spark.manifest, "estimates", tables)
    with pytest.raises(DbtError, match="Malformed records"):
        replace(
            on_spark.manifest,
            "estimates",
            tables | {"prediction_fits": tables["prediction_fits"].assign(as_of_date="soon")},
        )
    with duckdb.connect(here) as warehouse:
        compared = {name: differing_rows(warehouse, cursor, f"marts.{name}") for name in tables}
        states = cursor.execute("select count(*) from marts.customer_predictions.snapshots").fetchone()
        removed = expire(spark, days=0)
        again = {name: differing_rows(warehouse, cursor, f"marts.{name}") for name in tables}
    assert compared == again == {"customer_predictions": (3, 3, []), "prediction_fits": (2, 2, [])}
    assert states == (2,) and removed >= 2
    assert cursor.execute("select count(*) from marts.customer_predictions.snapshots").fetchone() == (1,)
