"""A build on a cluster gives what DuckDB gives, also when a machine is lost on the way. Run by `make spark-cluster`."""

import os
import subprocess
import sys

import pytest
import yaml

from project import PROJECT, environment
from random_shops import write_shop
from test_random_shops import SURROUNDINGS, dbt_vars, shop_of

pytestmark = pytest.mark.cluster

# Of about 110 models: the raw tables are judged, and the marts are still to come.
MODELS_BEFORE = 30


@pytest.fixture(scope="module")
def cluster():
    from ecommerce_segments.engines.spark_cluster import running_cluster

    with running_cluster() as cluster:
        yield cluster


def test_a_build_outlives_a_worker(project, cluster, tmp_path):
    """One of two workers is killed with its executor in the middle of a build; the other one does its work again."""
    surroundings = SURROUNDINGS["clocks_forward"]
    # Without dirt: a loader leaves unreadable rows out, so that row_counts would differ.
    write_shop(shop_of(0, surroundings, dirt=0), tmp_path / "shop", "parquet")
    here = project.compiled(tmp_path / "shop", **dbt_vars(surroundings))
    options = [
        "--target",
        "spark",
        "--project-dir",
        str(PROJECT),
        "--profiles-dir",
        str(PROJECT),
        "--target-path",
        str(tmp_path / "target"),
        "--log-path",
        str(tmp_path / "logs"),
        "--vars",
        yaml.safe_dump(dbt_vars(surroundings)),
        "--no-use-colors",
    ]
    engines, dbt = PROJECT / "ecommerce_segments" / "engines", [os.path.join(os.path.dirname(sys.executable), "dbt")]
    with environment(
        SPARK_MASTER=cluster.address, SPARK_WAREHOUSE=tmp_path / "warehouse", SPARK_CONF_DIR=engines / "spark_conf"
    ):
        subprocess.run(
            [
                sys.executable,
                "-m",
                "ecommerce_segments.cli",
                "load",
                "--target",
                "spark",
                "--raw-dir",
                tmp_path / "shop",
            ],
            check=True,
        )
        command = [*dbt, "build", *options, "--exclude", "resource_type:test", "resource_type:unit_test"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as build:
            lines = []
            for line in build.stdout:
                lines.append(line)
                if (
                    sum("OK created sql table model" in said for said in lines) == MODELS_BEFORE
                    and "worker_0" in cluster.processes
                ):
                    cluster.kill("worker_0")
        assert build.returncode == 0, "".join(lines[-40:])
        assert "worker_0" not in cluster.processes and cluster.workers() == 1
        with here.build(tmp_path / "shop") as connection:
            # The comparison reads a file.
            connection.execute(f"attach '{tmp_path / 'shop.duckdb'}' as file; copy from database shop to file")
        compared = subprocess.run(
            [sys.executable, "-m", "ecommerce_segments.engines.compare_warehouses", tmp_path / "shop.duckdb", "spark"],
            capture_output=True,
            text=True,
        )
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert compared.stdout.count("same rows") > 50
