"""Ask for metrics of what is published, with MetricFlow, or list them (docs/metrics.md).

Usage: python tools/metrics.py METRICS BY WHERE, each of which may be empty
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from dbt.cli.main import dbtRunner

from dbt_session import DbtError
from publish import NotPublished, current
from settings import SettingsError, did_you_mean
from this_shop import this_shop

METRICFLOW = Path(sys.executable).parent / "mf"


def refuse_unknown(asked: str, known: list[str]) -> None:
    """Raise DbtError for the first of the metrics, parted by commas, that there is not."""
    for metric in asked.split(","):
        if metric not in known:
            raise DbtError(f"There is no metric {metric!r}{did_you_mean(metric, known) or '.'} `make metrics` lists them all.")


def main() -> int:
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    metrics, by, where = sys.argv[1:]
    try:
        shop = this_shop()
        current(shop.published)
        # MetricFlow reads what dbt writes of the project.
        parsed = dbtRunner().invoke(["parse", "--quiet", "--log-level", "none", "--target-path", "target"])
        if not parsed.success:
            raise DbtError(str(parsed.exception))
        if metrics:
            refuse_unknown(metrics, sorted(metric.name for metric in parsed.result.metrics.values()))
    except (SettingsError, NotPublished, DbtError) as error:
        print(error, file=sys.stderr)
        return 2
    # What is published is attached under the name that the marts have in dbt's project: that of the warehouse.
    os.environ |= {"DBT_TARGET": "published", "DATASET": f'"{shop.warehouse.stem}"'}
    if not metrics:
        return subprocess.run([METRICFLOW, "list", "metrics"], check=False).returncode
    grouped = ["--group-by", by, "--order", by] if by else []
    answer = subprocess.run([METRICFLOW, "query", "--metrics", metrics, *grouped, *(["--where", where] if where else [])],
                            stdout=subprocess.PIPE, text=True, check=False)
    if answer.returncode:
        print(why_unanswered(answer.stdout, by), file=sys.stderr)
        return 2
    # On a terminal signs would turn while one waits.
    print(re.sub(r"[\u2800-\u28ff] .*\s*", "", answer.stdout).lstrip(), end="")
    return 0


def why_unanswered(said: str, by: str) -> str:
    """What MetricFlow says of a question that it cannot answer, in a sentence."""
    near = re.findall(r"^ +'(\w+)',$", said, re.MULTILINE)
    if near:
        return f"That cannot be asked so{f' (BY={by})' if by else ''}. Near it are {', '.join(dict.fromkeys(near))}: `make metrics` lists them all."
    error = said.partition("ERROR: ")[2].partition("Log File")[0].partition("Got exception")[0]
    return f"MetricFlow cannot answer that: {' '.join(error.split())}"


if __name__ == "__main__":
    sys.exit(main())
