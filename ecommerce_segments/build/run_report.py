"""run_report.json, beside what a run publishes: all that a monitor asks of the last run, also of one that failed."""

import json
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ecommerce_segments.publish.versions import git_revision
from ecommerce_segments.whole_files import write_whole

FILE = "run_report.json"
VERSIONS_OF = ("ecommerce-segments", "dbt-core", "dbt-duckdb", "dbt-postgres", "dbt-spark", "duckdb")


class RunReport:
    """What there is to report is added as it becomes known; `write` leaves it beside what is published.

    Times are in UTC, durations in seconds. unchanged_since: when the version was published, where a later run found
    nothing changed; times, exit code and phases are then of that run, and all else is of the one that built.
    """

    def __init__(self, settings: dict):
        self.began = datetime.now(UTC)
        self.content: dict[str, Any] = {
            "unchanged_since": None,
            "settings": {name: value for name, value in settings.items() if name not in ("segments", "own_segments")},
            "versions": {"project": git_revision(), "python": platform.python_version(), **installed()},
            "phases": {}, "files": [], "models": [], "tests": [], "tables": [], "alerts": [], "warnings": [],
        }

    def built(self, runs: list[Any]) -> None:
        """runs: what became of each node of a build, as dbt's own results."""
        for run in runs:
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
        write(directory, self.content, self.began, code)


def write(directory: Path, content: dict[str, Any], began: datetime, code: int) -> None:
    """Write a report of these contents, of a run that began then and ends now. Raises OSError where that cannot be."""
    now = datetime.now(UTC)
    whole = content | {
        "started_at": began.isoformat(timespec="seconds"),
        "finished_at": now.isoformat(timespec="seconds"),
        "seconds": round((now - began).total_seconds(), 1),
        "exit_code": code,
    }
    write_whole(directory / FILE, json.dumps(whole, indent=2, default=str) + "\n")


def read(directory: Path) -> dict[str, Any]:
    """The report of the last run. Raises OSError where there is none, and ValueError where it is none."""
    return json.loads((directory / FILE).read_text())


def installed() -> dict[str, str]:
    """The versions of what a run depends on, by package; those that are installed."""
    found = {}
    for package in VERSIONS_OF:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
