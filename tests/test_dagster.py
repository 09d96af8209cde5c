"""Dagster loads the project as assets, materializes a shop, and publishes only what passed its tests.

Run by `make dagster`.
"""

import importlib.util
import json
from datetime import date

import duckdb
import pytest
import yaml

from project import PROJECT, environment
from random_shops import random_shop, write_shop

pytestmark = pytest.mark.dagster


def loaded(**variables: object):
    """The run of all assets of the example, as Dagster loads it with these variables."""
    import dagster

    spec = importlib.util.spec_from_file_location(
        "dagster_assets", PROJECT / "examples" / "schedulers" / "dagster_assets.py"
    )
    module = importlib.util.module_from_spec(spec)
    with environment(**variables):
        spec.loader.exec_module(module)
        dagster.Definitions.validate_loadable(module.definitions)
        assets = [module.marts, module.published]
        return dagster.materialize(assets, resources=module.definitions.resources, raise_on_error=False)


def test_a_shop_is_materialized_and_published_and_a_bad_night_is_not(tmp_path):
    import dagster

    write_shop(random_shop(3, date(2025, 3, 31)), tmp_path / "raw", "parquet")
    places = {
        "RAW_DIR": tmp_path / "raw",
        "DUCKDB_PATH": tmp_path / "shop.duckdb",
        "PUBLISHED_DIR": tmp_path / "published",
        "DATASET": "shop",
        "DBT_TARGET": "duckdb",
        "DBT_TARGET_PATH": tmp_path / "target",
        "DBT_LOG_PATH": tmp_path / "logs",
    }
    settings = {"as_of_date": "2025-03-31", "max_rejected_rows": 1_000_000}
    good = loaded(VARS=yaml.safe_dump(settings), **places)
    assert good.success

    nodes = json.loads((tmp_path / "target" / "manifest.json").read_text())["nodes"].values()
    built = {event.asset_key.path[-1] for event in good.get_asset_materialization_events()}
    assert built == {node["name"] for node in nodes if node["resource_type"] in ("model", "seed")} | {"published"}
    checks = good.get_asset_check_evaluations()
    assert len(checks) >= 20 and all(
        check.passed or check.severity == dagster.AssetCheckSeverity.WARN for check in checks
    )
    current = (tmp_path / "published" / "current").resolve()
    with duckdb.connect(current / "shop.duckdb", read_only=True) as shop:
        assert shop.execute(
            "select min(as_of_date), max(as_of_date), count(*) > 30 from marts.segments"
        ).fetchone() == (date(2025, 3, 31), date(2025, 3, 31), True)
        assert shop.execute(
            "select count(*) from information_schema.tables where table_name = 'customer_contacts'"
        ).fetchone() == (0,)

    # The orders of a month are missing: the test fails, and what readers see stays.
    bad = loaded(VARS=yaml.safe_dump(settings | {"as_of_date": "2025-04-30"}), **places)
    assert not bad.success
    rebuilt = {event.asset_key.path[-1] for event in bad.get_asset_materialization_events()}
    assert "customers" in rebuilt and not rebuilt & {"membership_changes", "published"}
    assert (tmp_path / "published" / "current").resolve() == current
