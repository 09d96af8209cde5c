"""Whether a run would only publish once more what is published already, as nothing that it follows from has changed.

Beside the warehouse, <name>.last_run.json keeps of the last run a hash of all that it followed from, the version that
it published, and size and time of the warehouse; only where the run ended with 0 and left nothing undone. What is in
doubt counts as changed. Nothing here loads dbt, which takes longer than all the rest.
"""

import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytz

from ecommerce_segments import PROJECT
from ecommerce_segments.build import run_report
from ecommerce_segments.build.run_lock import AnotherRun, only_run
from ecommerce_segments.build.telling import LeftOut, Teller
from ecommerce_segments.connectors import deliveries
from ecommerce_segments.publish.versions import DASHBOARD, DATABASE, NotPublished, current, manifest_of
from ecommerce_segments.read import copies_beside
from ecommerce_segments.shop import Shop, owner_of
from ecommerce_segments.whole_files import write_whole

# What a build runs, in the project's directory.
CODE = (
    "models", "macros", "seeds", "tests/data_tests", "dbt_packages", "ecommerce_segments",
    "dbt_project.yml", "profiles.yml", "selectors.yml",
)  # fmt: skip


@dataclass(frozen=True)
class Fingerprint:
    """What a run of a shop follows from, as a hash; None where that cannot be told."""

    warehouse: Path
    digest: str | None

    def keep(self, published: Path) -> None:
        """Note that a run of it ended well and published there. Where that cannot be noted, the next run builds."""
        with suppress(OSError, duckdb.Error, NotPublished):
            if self.digest:
                # Else the warehouse would be written when this process ends.
                with duckdb.connect(self.warehouse) as connection:
                    connection.execute("checkpoint")
                kept = self.content(current(published).name)
                write_whole(last_run_of(self.warehouse), json.dumps(kept, indent=2) + "\n")

    def forget(self) -> None:
        """A run begins, and may not end well. Raises OSError where that cannot be noted."""
        last_run_of(self.warehouse).unlink(missing_ok=True)

    def is_kept(self, version: str) -> bool:
        """Whether the last run ended well, was of the same, and published this version, and nobody has written the
        warehouse since. Raises OSError or ValueError where that cannot be read."""
        if self.digest is None or wal_of(self.warehouse).exists():
            return False
        return json.loads(last_run_of(self.warehouse).read_text()) == self.content(version)

    def content(self, version: str) -> dict:
        """What is kept of a run that published a version."""
        about = self.warehouse.stat()
        return {"digest": self.digest, "version": version, "warehouse": [about.st_size, about.st_mtime_ns]}


def last_run_of(warehouse: Path) -> Path:
    """The file of what the last run of a warehouse found."""
    return warehouse.with_suffix(".last_run.json")


def wal_of(warehouse: Path) -> Path:
    """The file in which DuckDB keeps what is not yet in the warehouse itself."""
    return Path(f"{warehouse}.wal")


def fingerprint(shop: Shop) -> Fingerprint:
    """What a run of the shop would follow from now."""
    try:
        return Fingerprint(shop.warehouse, digest(shop))
    except OSError:
        return Fingerprint(shop.warehouse, None)


def digest(shop: Shop) -> str | None:
    """A hash of the shop's files, settings and places, of the project's files, and of what is installed.

    None where more decides: another engine, raw tables that are no files, a profile elsewhere. Raises OSError where a
    file cannot be looked at.
    """
    settings, environment = shop.settings, {name: os.environ[name] for name in sorted(os.environ) if name[:4] == "DBT_"}
    is_elsewhere = any(name.endswith(("PROFILES_DIR", "PROJECT_DIR")) for name in environment)
    if shop.target != "duckdb" or not settings["read_raw_files"] or settings["raw_tables"] or is_elsewhere:
        return None
    directories = {delivery.directory for delivery in deliveries(settings, shop.raw_dir)}
    raw_files = [path for path in files_below(directories) if not is_written_by_runs(path, shop)]
    code = [path for path in files_below(PROJECT / name for name in CODE) if path.suffix != ".pyc"]
    found = [
        [shop.name, shop.raw_dir, shop.warehouse, shop.published, shop.is_simulated],
        settings,
        environment,
        platform.python_version(),
        sorted({path.name for place in sys.path for path in Path(place).glob("*.dist-info")}),
        # A file that a link leads to is another one once it leads elsewhere.
        [(path, path.resolve(), path.stat().st_size, path.stat().st_mtime_ns) for path in raw_files],
        [(path.relative_to(PROJECT), hashlib.sha256(path.read_bytes()).hexdigest()) for path in code],
    ]
    return hashlib.sha256(json.dumps(found, default=str).encode()).hexdigest()


def files_below(places: Iterable[Path]) -> list[Path]:
    """The places that are files, and the files in those that are directories, however deep, in order.

    Raises OSError where one cannot be looked at.
    """
    found = set()
    for place in places:
        if place.is_file():
            found.add(place)
        elif place.exists():
            for above, _, names in os.walk(place, onerror=refuse, followlinks=True):
                found |= {Path(above, name) for name in names}
    return sorted(found)


def refuse(error: OSError) -> None:
    """Raise the error."""
    raise error


def is_written_by_runs(path: Path, shop: Shop) -> bool:
    """Whether a file in a directory of raw files is what runs write: some shops have all in one place."""
    warehouse = shop.warehouse
    files = {warehouse, wal_of(warehouse), warehouse.with_suffix(".lock"), owner_of(warehouse), last_run_of(warehouse)}
    return path in files or any(path.is_relative_to(place) for place in (shop.published, copies_beside(warehouse)))


def as_of_day(settings: dict, now: datetime) -> date:
    """The date that a run would build, as in macros/dates.sql. now: the moment, in UTC."""
    yesterday = now.astimezone(pytz.timezone(settings["shop_timezone"])).date() - timedelta(days=1)
    return date.fromisoformat(str(settings["as_of_date"] or yesterday))


def unchanged_report(shop: Shop, now: datetime) -> dict | None:
    """The report of the last run, where a run would only publish the same once more. now: the moment, in UTC."""
    try:
        version, report = current(shop.published), run_report.read(shop.published)
        about = manifest_of(version)
        is_unchanged = (
            report["exit_code"] == 0
            and report["version"] == version.name
            and about["as_of_date"] == str(as_of_day(shop.settings, now))
            and (version / DATABASE).exists()
            and (shop.published / DASHBOARD).exists()
            and fingerprint(shop).is_kept(version.name)
        )
        return report | {"unchanged_since": about["published_at"], "phases": {}} if is_unchanged else None
    except (OSError, ValueError, LookupError, TypeError, NotPublished):
        return None


def told_unchanged(shop: Shop, command: str, tell: Teller) -> bool:
    """Say so where nothing has changed since the last run, with what `segments run` told of the files then.

    Returns whether that is so, and all is done: the report of the last run then has the time and exit code of this one.
    command: run or nightly.
    """
    began = datetime.now(UTC)
    if not last_run_of(shop.warehouse).exists():
        return False
    try:
        with only_run():
            report = unchanged_report(shop, began)
            if report is None:
                return False
            run_report.write(shop.published, report, began, 0)
    except (AnotherRun, OSError):
        return False
    published_at = datetime.fromisoformat(report["unchanged_since"])
    tell.say(
        f"Nothing has changed since the version published on {published_at:%Y-%m-%d at %H:%M} UTC: files, settings and"
        f" formulas are the same. `segments {command} --rebuild` builds all the same."
    )
    if command == "run":
        tell.left_out(LeftOut(report["tables"], report["alerts"]))
    return True
