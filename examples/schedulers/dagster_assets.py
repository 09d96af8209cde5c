"""Dagster: each model of a shop is an asset and each test of one a check, and one more asset is what readers see. For
DuckDB.

SHOP_DIR names the directory of the shop's segments.toml. Look at it with: dagster dev -f
examples/schedulers/dagster_assets.py
"""

import json
import os
import sys
from pathlib import Path

import dagster
import yaml
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets

from ecommerce_segments import PROJECT
from ecommerce_segments.build.run_lock import only_run
from ecommerce_segments.connectors import prepare_all
from ecommerce_segments.publish.versions import publish, refresh_dashboard
from ecommerce_segments.read import copies_beside
from ecommerce_segments.read.files import told
from ecommerce_segments.shop import this_shop

# dbt stands beside this Python, whether its environment is activated or not.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
# dbt finds the shop in the environment, as the command `segments` lets it.
shop = this_shop()
project = DbtProject(PROJECT, target_path=Path(os.environ.get("DBT_TARGET_PATH", "target")))
project.preparer.prepare(project)


# All together, as the marts of a run are of one date.
@dbt_assets(manifest=project.manifest_path, project=project, exclude="resource_type:unit_test source:estimates")
def marts(context: dagster.AssetExecutionContext, dbt: DbtCliResource):
    for line in told(prepare_all(shop.settings, shop.raw_dir, copies_beside(shop.warehouse))):
        context.log.info(line)
    yield from dbt.cli(["build", "--vars", yaml.safe_dump(shop.given)], context=context).stream()


@dagster.asset(deps=[marts])
def published(context: dagster.AssetExecutionContext) -> dagster.MaterializeResult:
    """A new version of the marts for readers.

    It is written only if all models were built and all their tests passed.
    """
    models = [
        node
        for node in json.loads(project.manifest_path.read_text())["nodes"].values()
        if node["resource_type"] == "model"
    ]
    left_out = {"contact_data", "former_name"}
    names = [node["name"] for node in models if node["fqn"][1] == "marts" and not left_out & set(node["tags"])]
    with only_run():
        version = publish(
            shop.warehouse,
            names,
            shop.published,
            shop.settings["published_versions_kept"],
            shop.is_simulated,
            context.log.info,
            shop.settings,
        )
        refresh_dashboard(shop.published, context.log.info)
    return dagster.MaterializeResult(metadata={"version": version.name})


definitions = dagster.Definitions(
    assets=[marts, published],
    schedules=[
        dagster.ScheduleDefinition(
            name="every_night", target="*", cron_schedule="30 2 * * *", execution_timezone="Europe/Berlin"
        )
    ],
    resources={"dbt": DbtCliResource(project_dir=project)},
)
