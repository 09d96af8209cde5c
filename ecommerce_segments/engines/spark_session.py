"""A Spark session with the settings of the target `spark` in profiles.yml: the one that dbt uses in the same process.
"""

import os

import jinja2
import yaml
from pyspark.sql import SparkSession

from ecommerce_segments import PROJECT


def spark_session() -> SparkSession:
    """The session of this process, begun if need be.

    Its master and its warehouse come from the environment (docs/spark.md).
    """
    builder = SparkSession.builder.enableHiveSupport()
    for name, value in settings().items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def settings() -> dict[str, str]:
    """Spark's settings by name."""
    target = yaml.safe_load((PROJECT / "profiles.yml").read_text())["ecommerce_segments"]["outputs"]["spark"]
    templates = jinja2.Environment()
    return {
        name: templates.from_string(value).render(env_var=os.environ.get)
        for name, value in target["server_side_parameters"].items()
    }
