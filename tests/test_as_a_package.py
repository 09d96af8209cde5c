"""Installed as a package: another dbt project, with a profile, vars and a model of its own, that knows none of our commands and selectors."""

from datetime import date

import duckdb
import pytest
import yaml
from dbt.cli.main import dbtRunner

from project import PROJECT, environment, messages
from random_shops import random_shop, write_shop

pytestmark = pytest.mark.xdist_group("as_a_package")

# Each parameter is another one than ours.
FORMULAS = {
    "shop_timezone": "America/New_York", "max_accounts_per_email": 5, "rfm_window_days": 365, "rfm_method": "cut_points", "min_gap_days": 7,
    "typical_gap_days": 60, "at_risk_after_gaps": 2, "inactive_after_gaps": 4, "inactive_after_days": 90, "min_known_cost_share": 0.8,
    "min_arm_customers": 10,
}


class Shop:
    """A project of somebody else, which installs ours."""

    def __init__(self, root):
        self.root = root
        (root / "models").mkdir()
        # Its name begins as our segments' do.
        (root / "models" / "seg_of_theirs.sql").write_text("select customer_id from {{ ref('customers') }} where purchase_count > 0")
        (root / "models" / "trait_of_theirs.sql").write_text(
            "select customer_id, count(*) as orders from {{ ref('int_orders') }} where customer_id is not null group by customer_id")
        self.write("dbt_project.yml", {"name": "some_shop", "profile": "some_shop", "vars": {"ecommerce_segments": {
            "as_of_date": "2025-03-31", "max_rejected_rows": 1_000_000, "shop_timezone": "Europe/Berlin",
            "own_traits": [{"name": "of_theirs", "columns": [{"name": "orders", "type": "number", "description": "Orders.", "without": -1}]}]}}})
        self.write("packages.yml", {"packages": [{"local": str(PROJECT)}]})
        self.write("profiles.yml", {"some_shop": {"target": "dev", "outputs": {
            "dev": {"type": "duckdb", "path": str(root / "some.duckdb"), "schema": "main"}}}})
        write_shop(random_shop(3, date(2025, 3, 31)), root / "raw", "parquet")

    def write(self, name: str, content: dict) -> None:
        (self.root / name).write_text(yaml.safe_dump(content))

    def dbt(self, *arguments: str):
        places = [] if arguments[0] == "deps" else ["--target-path", str(self.root / "target")]
        with environment(RAW_DIR=self.root / "raw"):
            return dbtRunner().invoke([*arguments, "--quiet", "--project-dir", str(self.root), "--profiles-dir", str(self.root),
                                       "--log-path", str(self.root / "logs"), *places])


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Built by `dbt build` without a selector. (Unit tests have a test of their own.)"""
    shop = Shop(tmp_path_factory.mktemp("some_shop"))
    assert shop.dbt("deps").success
    built = shop.dbt("build", "--exclude-resource-type", "unit_test")
    assert built.success, messages(built)
    return shop


def test_a_plain_build_is_right(shop):
    with duckdb.connect(shop.root / "some.duckdb") as connection:
        theirs = connection.execute("select count(*) from main.seg_of_theirs").fetchone()
        assert theirs == connection.execute("select count(*) from marts.customers where purchase_count > 0").fetchone() != (0,)
        told = connection.execute("select data_type, comment from duckdb_columns() where table_name = 'customers' and column_name = 'orders'").fetchall()
        assert told == [("DECIMAL(28,6)", "Orders.")]
        assert connection.execute("select min(orders), min(orders) filter (has_ordered) from marts.customers").fetchone() == (-1, 1)
    # Nobody predicted: there is nothing to test, which is no failure.
    tested = shop.dbt("test", "--select", "source:predictions")
    assert tested.success and len([run for run in tested.result if run.node.resource_type == "test"]) == 2


def test_the_guards_hold_there_too(shop):
    earlier = shop.dbt("build", "--vars", "{as_of_date: 2025-03-30}")
    assert "the history of segments has come to 2025-03-31, and goes only forward" in messages(earlier)
    unknown = shop.dbt("build", "--vars", "{rfm_method: deciles}")
    assert "rfm_method is 'deciles'" in messages(unknown)


@pytest.mark.long
def test_unit_tests_hold_whatever_the_parameters_are(shop):
    tested = shop.dbt("test", "--select", "test_type:unit", "--vars", yaml.safe_dump(FORMULAS))
    assert tested.success, messages(tested)
