"""run_report.json, beside what a run publishes: all that a monitor asks of the last run, also of one that failed."""

import json
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from dbt.cli.main import dbtRunnerResult

from ecommerce_segments.dbt_session import runs_of
from ecommerce_segments.publish.versions import git_revision
from ecommerce_segments.whole_files import write_whole

FILE = "run_report.json"
VERSIONS_OF = ("ecommerce-segments", "dbt-core", "dbt-duckdb", "dbt-postgres", "dbt-spark", "duckdb")


class RunReport:
    """What there is to report is added as it becomes known; `write` leaves it beside what is published.

    Times are in UTC, durations in seconds.
    """

    def __init__(self, settings: dict):
        self.began = datetime.now(UTC)
        self.content: dict[str, Any] = {
            "started_at": self.began.isoformat(timespec="seconds"),
            "settings": {name: value for name, value in settings.items() if name not in ("segments", "own_segments")},
            "versions": {"project": git_revision(), "python": platform.python_version(), **installed()},
            "phases": {}, "files": [], "models": [], "tests": [], "tables": [], "alerts": [],
        }

    def built(self, result: dbtRunnerResult) -> None:
        """result: dbt's, of a build."""
        for run in runs_of(result):
            about = {"name": run.node.name, "status": str(run.status), "seconds": round(run.execution_time, 3)}
            if run.node.resource_type == "test":
                self.content["tests"].append(about | {"failures": run.failures})
            else:
                self.content["models"].append(about)

    def phase(self, name: str, seconds: float) -> None:
        """Note how many seconds a phase took."""
        self.content["phases"][name] = round(seconds, 2)

    def write(self, directory: Path, code: int) -> None:
        """Raises OSError where it cannot be written."""
        now = datetime.now(UTC)
        whole = self.content | {
            "finished_at": now.isoformat(timespec="seconds"),
            "seconds": round((now - self.began).total_seconds(), 1),
            "exit_code": code,
        }
        write_whole(directory / FILE, json.dumps(whole, indent=2, default=str) + "\n")


def installed() -> dict[str, str]:
    """The versions of what a run depends on, by package; those that are installed."""
    found = {}
    for package in VERSIONS_OF:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
