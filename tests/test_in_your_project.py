"""Installed as a package: examples/in_your_project, another dbt project, with names, vars and segments of its own,
gives the marts that ours gives."""

import shutil
import tempfile
from collections import Counter
from datetime import date
from pathlib import Path

import duckdb
import pytest
import yaml
from dbt.cli.main import dbtRunner

from ecommerce_segments.engines.compare_warehouses import COMPARED_COLUMNS, COMPARED_ROWS
from ecommerce_segments.engines.raw_tables import rows_to_load
from ecommerce_segments.raw_contract import raw_contract
from project import PROJECT, Project, environment, messages
from random_shops import random_shop, write_shop

pytestmark = pytest.mark.xdist_group("in_your_project")

EXAMPLE = PROJECT / "examples" / "in_your_project"
ITS_VARS = yaml.safe_load((EXAMPLE / "dbt_project.yml").read_text())["vars"]["ecommerce_segments"]
OWN_SEGMENT = ITS_VARS["own_segments"][0]["name"]
SHOP = {"as_of_date": "2025-03-31", "max_rejected_rows": 1_000_000}
SCHEMA = "dev_crm_segments"
WITHOUT_TESTS = ("--exclude-resource-type", "test", "unit_test")
# Each parameter is another one than ours.
FORMULAS = {
    "shop_timezone": "America/New_York",
    "max_accounts_per_email": 5,
    "rfm_window_days": 365,
    "rfm_method": "cut_points",
    "min_gap_days": 7,
    "typical_gap_days": 60,
    "at_risk_after_gaps": 2,
    "inactive_after_gaps": 4,
    "inactive_after_days": 90,
    "min_known_cost_share": 0.8,
    "min_arm_customers": 10,
}
# The raw tables stand in two schemas, one under another name, and a model takes the place of another one.
IN_THE_DATABASE = {
    "read_raw_files": False,
    "raw_schema": "sales",
    "raw_tables": {"products": {"schema": "assortment", "identifier": "articles"}, "orders": {"model": "shop_orders"}},
}
SHOP_ORDERS = "select order_number as order_id, {columns} from sales.web_orders"


class TheirProject:
    """The example, copied, with a shop's files and a warehouse."""

    def __init__(self, root: Path, raw_dir: Path, target: str = "dev"):
        self.root, self.raw_dir, self.target = root, raw_dir, target
        shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns("dbt_packages", "target", "logs", "*.duckdb"))
        self.write("packages.yml", yaml.safe_dump({"packages": [{"local": str(PROJECT)}]}))
        self.write(
            "profiles.yml",
            (EXAMPLE / "profiles.yml").read_text().replace("lamp_shop.duckdb", str(root / "lamp_shop.duckdb")),
        )
        # Names that ours have too, or begin with.
        self.write("models/customers.sql", "select 'Ada' as customer_id")
        self.write(
            "models/seg_of_lamps.sql",
            "select customer_id from {{ ref('ecommerce_segments', 'customers') }} where purchase_count > 0",
        )
        assert self.dbt("deps").success

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    def dbt(self, *arguments: str, manifest=None, **variables: object):
        """Run a command of dbt, on the project as it stands, or as it was parsed before."""
        places = [] if arguments[0] == "deps" else ["--target", self.target, "--target-path", str(self.root / "target")]
        with environment(RAW_DIR=self.raw_dir):
            return dbtRunner(manifest=manifest).invoke(
                [
                    *arguments,
                    "--quiet",
                    "--project-dir",
                    str(self.root),
                    "--profiles-dir",
                    str(self.root),
                    "--log-path",
                    str(self.root / "logs"),
                    *places,
                    "--vars",
                    yaml.safe_dump(SHOP | variables),
                ]
            )

    def build(self, *arguments: str, **variables: object) -> None:
        built = self.dbt("build", *arguments, **variables)
        assert built.success, messages(built)


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """The same shop, as this project builds it with the same parameters: the directory of its raw files and of its
    warehouse."""
    directory = tmp_path_factory.mktemp("ours")
    write_shop(random_shop(3, date(2025, 3, 31), ITS_VARS["shop_timezone"]), directory / "raw", "parquet")
    project = Project(directory)
    built = project.attempt(
        "build", *WITHOUT_TESTS, raw_dir=directory / "raw", **SHOP | ITS_VARS | {"own_segments": []}
    )
    assert built.success, messages(built)
    return directory


@pytest.fixture(scope="module")
def theirs(ours, tmp_path_factory):
    """Built from files by `dbt build` without a selector. (Unit tests have a test of their own.)"""
    project = TheirProject(tmp_path_factory.mktemp("theirs") / "project", ours / "raw")
    project.build("--exclude-resource-type", "unit_test")
    return project


def differences(ours: Path, theirs, is_loaded: bool = False) -> list[str]:
    """The first rows of each mart that only one of the two has, those of their own segment aside. theirs: executes SQL
    and returns rows; is_loaded: a loader read the files."""
    columns_of, rows_of = (COMPARED_COLUMNS, COMPARED_ROWS) if is_loaded else ({}, {})
    found = []
    with duckdb.connect(ours / "shop.duckdb") as connection:
        marts = [
            name
            for (name,) in connection.execute(
                "select table_name from information_schema.tables where table_schema = 'marts'"
            ).fetchall()
        ]
        assert len(marts) > 60
        for mart in marts:
            asked = rows_of.get(f"marts.{mart}", "1 = 1")
            rows = connection.execute(
                f"select {', '.join(columns_of.get(f'marts.{mart}', ['*']))} from marts.{mart} where {asked}"
            )
            columns = ", ".join(column for column, *_ in rows.description)
            here = Counter(rows.fetchall())
            there = Counter(
                row
                for row in theirs(f"select {columns} from {SCHEMA}.{mart} where {asked}")
                if OWN_SEGMENT not in row
            )
            found += [f"{mart}: {row}" for row in [*(here - there), *(there - here)][:3]]
    return found


def own_segment_is_right(theirs) -> bool:
    """Its rows are those that its sentence describes, and the marts count them."""
    members = theirs(f"select customer_id from {SCHEMA}.customers where is_subscribed and purchase_count >= 2")
    return (
        bool(members)
        and sorted(theirs(f"select customer_id from {SCHEMA}.seg_{OWN_SEGMENT}")) == sorted(members)
        and theirs(f"select customers from {SCHEMA}.segments where segment = '{OWN_SEGMENT}'") == [(len(members),)]
    )


def test_marts_and_their_own_segment_are_right(ours, theirs):
    with duckdb.connect(theirs.root / "lamp_shop.duckdb") as connection:

        def rows(sql):
            return connection.execute(sql).fetchall()

        schemas = {schema for (schema,) in rows("select schema_name from duckdb_tables()")}
        assert schemas == {"dev_crm_staging", "dev_crm_intermediate", SCHEMA}
        assert differences(ours, rows) == []
        assert own_segment_is_right(rows)
        assert rows("select * from dev.customers") == [("Ada",)] and rows("select count(*) from dev.seg_of_lamps") != [
            (0,)
        ]
        assert (
            "Subscribed, with at least 2 purchases ever."
            in rows(f"select comment from duckdb_tables() where table_name = 'seg_{OWN_SEGMENT}'")[0][0]
        )


def test_tables_of_the_database_take_the_place_of_files(ours, tmp_path):
    theirs = TheirProject(tmp_path / "project", tmp_path / "no_files")
    columns = raw_contract()["orders"]
    theirs.write(
        "models/shop_orders.sql", SHOP_ORDERS.format(columns=", ".join(name for name in columns if name != "order_id"))
    )
    # And a seed of theirs the place of ours.
    (theirs.root / "seeds").mkdir()
    theirs.write("seeds/forgotten_customers.csv", (PROJECT / "seeds" / "forgotten_customers.csv").read_text())
    theirs.write(
        "dbt_project.yml",
        (EXAMPLE / "dbt_project.yml").read_text()
        + yaml.safe_dump(
            {
                "seeds": {
                    "ecommerce_segments": {"forgotten_customers": {"+enabled": False}},
                    "lamp_shop": {"+schema": "erasure", "+column_types": {"hashed_id": "text", "forgotten_on": "date"}},
                }
            }
        ),
    )
    with duckdb.connect(ours / "shop.duckdb") as files, duckdb.connect(theirs.root / "lamp_shop.duckdb") as connection:
        connection.execute("create schema sales; create schema assortment")
        for table, columns in raw_contract().items():
            place = {"products": "assortment.articles", "orders": "sales.web_orders"}.get(table, f"sales.{table}")
            connection.register(
                "rows",
                files.execute(f"select {', '.join(columns)} from {rows_to_load(table, columns)}").to_arrow_table(),
            )
            connection.execute(f"create table {place} as from rows")
        connection.execute(
            "alter table sales.web_orders rename order_id to order_number; alter table sales.refunds rename amount to"
            " value"
        )
    missing = theirs.dbt("build", **IN_THE_DATABASE)
    assert "The raw tables do not keep the raw contract: refunds.amount is missing." in messages(missing)
    with duckdb.connect(theirs.root / "lamp_shop.duckdb") as connection:
        connection.execute("alter table sales.refunds rename value to amount")
    theirs.build(*WITHOUT_TESTS, **IN_THE_DATABASE)
    with duckdb.connect(theirs.root / "lamp_shop.duckdb") as connection:
        assert differences(ours, lambda sql: connection.execute(sql).fetchall(), is_loaded=True) == []
        assert connection.execute(
            "select table_schema from information_schema.tables where table_name = 'forgotten_customers'"
        ).fetchall() == [("dev_crm_erasure",)]


def test_the_guards_hold_there_too(theirs):
    parsed = theirs.dbt("parse").result
    earlier = theirs.dbt("build", manifest=parsed, as_of_date="2025-03-30")
    assert "the history of segments has come to 2025-03-31, and goes only forward" in messages(earlier)
    unknown = theirs.dbt("build", manifest=parsed, rfm_method="deciles")
    assert "rfm_method is 'deciles'" in messages(unknown)
    of_another_date = theirs.dbt(
        "run", "--select", f"seg_{OWN_SEGMENT}", manifest=parsed, as_of_date="2025-04-01"
    )
    assert (
        f"seg_{OWN_SEGMENT} is to be built as of 2025-04-01, but customers, which it reads, is of 2025-03-31"
        in messages(of_another_date)
    )
    theirs.write("models/shop_orders.sql", "select 1 as order_id")
    files = theirs.dbt("build", raw_tables={"orders": {"model": "shop_orders"}})
    (theirs.root / "models" / "shop_orders.sql").unlink()
    assert "raw_tables names the model shop_orders, which is no file: set read_raw_files to false." in messages(files)


def test_who_builds_models_of_their_own_needs_no_files(theirs):
    theirs.raw_dir, files = theirs.root / "no_files", theirs.raw_dir
    assert theirs.dbt("run", "--select", "lamp_shop.customers", "seg_of_lamps").success
    assert "which does not exist or holds no files" in messages(theirs.dbt("run", "--select", "ecommerce_segments"))
    theirs.raw_dir = files


def test_their_segments_are_checked_as_ours_are(theirs):
    file = f"models/segments/seg_{OWN_SEGMENT}.sql"
    right = (theirs.root / file).read_text()
    theirs.write(
        file, right.replace("    is_subscribed,\n    purchase_count\n", "    purchase_count + 1 as purchases\n")
    )
    refused = messages(theirs.dbt("run", "--select", f"seg_{OWN_SEGMENT}", "segment_memberships"))
    theirs.write(file, right)
    assert f"The segment {OWN_SEGMENT} shows the column purchases, which customers does not have" in refused

    theirs.dbt("run", "--select", "row_counts")
    assert (
        "models/seg_of_lamps.sql asks customers, but is no registered segment: if it is meant as one, add an entry"
        " with name of_lamps"
        in " ".join((theirs.root / "logs" / "dbt.log").read_text().split())
    )


def test_a_model_of_theirs_never_takes_the_place_of_ours(theirs):
    project = (theirs.root / "dbt_project.yml").read_text()
    theirs.write("dbt_project.yml", project.replace("require_ref_searches_node_package_before_root: true", "{}"))
    refused = messages(theirs.dbt("seed"))
    theirs.write("dbt_project.yml", project)
    assert (
        "would read your model customers, as it has the name of ours: set"
        " require_ref_searches_node_package_before_root: true"
        in refused
    )


@pytest.mark.long
def test_unit_tests_hold_whatever_the_parameters_are(theirs):
    tested = theirs.dbt("test", "--select", "test_type:unit", **FORMULAS)
    assert tested.success, messages(tested)


@pytest.mark.postgres
def test_marts_and_their_own_segment_are_right_on_postgres(ours):
    import psycopg2

    from ecommerce_segments.engines.load_postgres import load
    from ecommerce_segments.engines.postgres_server import running_server

    # Not in pytest's own directory, which only its user may enter: root's server runs as another one.
    directory = Path(tempfile.mkdtemp(prefix="their-postgres-"))
    with running_server(directory) as variables, environment(**variables):
        theirs = TheirProject(directory / "project", directory / "no_files", target="postgres")
        columns = raw_contract()["orders"]
        theirs.write(
            "models/shop_orders.sql",
            SHOP_ORDERS.format(columns=", ".join(name for name in columns if name != "order_id")),
        )
        connection = psycopg2.connect("")
        connection.autocommit = True
        cursor = connection.cursor()
        with duckdb.connect(ours / "shop.duckdb") as files:
            list(load(files, connection))
        cursor.execute(
            "alter schema raw rename to sales; create schema assortment; alter table sales.products set schema"
            " assortment;"
            "alter table assortment.products rename to articles; alter table sales.orders rename to web_orders;"
            "alter table sales.web_orders rename order_id to order_number"
        )
        theirs.build("--exclude-resource-type", "unit_test", **IN_THE_DATABASE)

        def rows(sql):
            cursor.execute(sql)
            return cursor.fetchall()

        assert differences(ours, rows, is_loaded=True) == []
        assert own_segment_is_right(rows)
        connection.close()
    shutil.rmtree(directory)
