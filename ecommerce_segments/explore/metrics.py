"""Ask for metrics of what is published, with MetricFlow, or list them (docs/metrics.md)."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import cast

import yaml
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

from ecommerce_segments import PROJECT, CannotDo
from ecommerce_segments.dbt_session import DbtError
from ecommerce_segments.publish.versions import current
from ecommerce_segments.settings import did_you_mean
from ecommerce_segments.shop import Shop

METRICFLOW = Path(sys.executable).parent / "mf"


def refuse_unknown(asked: str, known: list[str]) -> None:
    """Raise DbtError for the first of the metrics, parted by commas, that there is not."""
    for metric in asked.split(","):
        if metric not in known:
            raise DbtError(
                f"There is no metric {metric!r}{did_you_mean(metric, known) or '.'} `segments metrics` lists them all."
            )


def described() -> list[dict]:
    """The metrics of the project: dicts with name and description."""
    content = yaml.safe_load((PROJECT / "models" / "marts" / "metrics" / "_metrics.yml").read_text())
    return [{"metric": metric["name"], "description": metric["description"]} for metric in content["metrics"]]


def sql_of(shop: Shop, metrics: str, by: str) -> str:
    """The SQL with which MetricFlow would ask the marts, which are named without database and schema. metrics and by:
    names, parted by commas.

    Raises CannotDo where it has none.
    """
    if not METRICFLOW.exists():
        raise CannotDo(
            "MetricFlow is not installed: `make .venv/installed-metrics` does it, in the project's directory."
        )
    for names in (metrics, by):
        if not re.fullmatch(r"(\w+(, ?\w+)*)?", names):
            raise DbtError(f"{names!r} are no names, parted by commas.")
    refuse_unknown(metrics := metrics.replace(" ", ""), [metric["metric"] for metric in described()])
    sql = ask(shop, metrics, by.replace(" ", ""), "", "--explain", "--quiet")
    return re.sub(r"""(?:[`"]?[^\s`".]+[`"]?\.)?[`"]?marts[`"]?\.[`"]?(\w+)[`"]?""", r"\1", sql)


def ask(shop: Shop, metrics: str, by: str, where: str, *options: str) -> str:
    """MetricFlow's answer as text; without metrics, the list of them. metrics and by are parted by commas; options: of
    its query.

    Raises CannotDo where it has none.
    """
    current(shop.published)
    # MetricFlow reads what dbt writes of the project.
    parsed = dbtRunner().invoke(["parse", "--quiet", "--log-level", "none", "--target-path", "target"])
    if not parsed.success:
        raise DbtError(str(parsed.exception))
    if metrics:
        manifest = cast(Manifest, parsed.result)
        refuse_unknown(metrics, sorted(metric.name for metric in manifest.metrics.values()))
    # What is published is attached under the name that the marts have in dbt's project: that of the warehouse.
    os.environ |= {"DBT_TARGET": "published", "DATASET": f'"{shop.warehouse.stem}"'}
    grouped = ["--group-by", by, "--order", by] if by else []
    words = (
        ["query", "--metrics", metrics, *grouped, *(["--where", where] if where else []), *options]
        if metrics
        else ["list", "metrics"]
    )
    answer = subprocess.run([METRICFLOW, *words], stdout=subprocess.PIPE, text=True, check=False)
    if answer.returncode:
        raise DbtError(why_unanswered(answer.stdout, by))
    # On a terminal signs would turn while one waits.
    return re.sub(r"[\u2800-\u28ff] .*\s*", "", answer.stdout).strip()


def why_unanswered(said: str, by: str) -> str:
    """What MetricFlow says of a question that it cannot answer, in a sentence."""
    near = re.findall(r"^ +'(\w+)',$", said, re.MULTILINE)
    if near:
        return (
            f"That cannot be asked so{f' (--by {by})' if by else ''}. Near it are {', '.join(dict.fromkeys(near))}:"
            " `segments metrics` lists them all."
        )
    error = said.partition("ERROR: ")[2].partition("Log File")[0].partition("Got exception")[0]
    return f"MetricFlow cannot answer that: {' '.join(error.split())}"
