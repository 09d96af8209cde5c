"""What stands in the way of a run, and what it would do, found without changing anything."""

import os
import shutil
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from ecommerce_segments.build.run_lock import AnotherRun, only_run
from ecommerce_segments.build.unchanged import unchanged_report
from ecommerce_segments.connectors import deliveries, prepare_all
from ecommerce_segments.define import register, trait_register
from ecommerce_segments.publish.versions import NotPublished, current
from ecommerce_segments.raw_contract import raw_contract, raw_types, required_tables
from ecommerce_segments.read.convert import FileError
from ecommerce_segments.read.files import KINDS_OF_FILES, files_of, told
from ecommerce_segments.settings import SettingsError, did_you_mean
from ecommerce_segments.shop import Shop, check_owner, shown

# A build takes about this many times the bytes of the raw files, once in the warehouse and once in what is published.
DISK_FACTOR = 4


def examine(shop: Shop) -> tuple[list[str], bool]:
    """Lines for people, and whether a run could start. A line that begins with `!` says what must be mended first."""
    checks = (versions, settings, files, places, disk, lock)
    lines = [line for check in checks for line in check(shop)]
    is_well = not any(line.startswith("!") for line in lines)
    return [
        *lines,
        would_do(shop) if is_well else "! A run could not start: mend what the lines with `!` say first.",
    ], is_well


def versions(_: Shop) -> list[str]:
    """A line for each package that is missing or of another version than pyproject.toml asks for; else what is
    installed."""
    wrong = []
    for text in requires("ecommerce-segments") or []:
        needed = Requirement(text)
        if needed.marker and not needed.marker.evaluate({"extra": ""}):
            continue
        try:
            if not needed.specifier.contains(version(needed.name), prereleases=True):
                wrong.append(
                    f"! {needed.name} is {version(needed.name)}, but must be {needed.specifier}: install the"
                    " requirements again."
                )
        except PackageNotFoundError:
            wrong.append(f"! {needed.name} is not installed: install the requirements again.")
    found = ", ".join(f"{name} {version(name)}" for name in ("ecommerce-segments", "dbt-core", "duckdb"))
    return wrong or [f"  versions: {found}, Python {sys.version.split()[0]}"]


def settings(shop: Shop) -> list[str]:
    """What the shop changes of the settings, and which target it builds."""
    changed = ", ".join(f"{name}={value}" for name, value in shop.given.items()) or "those of dbt_project.yml"
    where = f" ({shown(shop.file)})" if shop.file else ""
    lines = [f"  settings{where}: {changed}", f"  target: {shop.target}"]
    wrong = register.check() or trait_register.check()
    return lines + ([f"! {wrong}"] if wrong else [])


def files(shop: Shop) -> list[str]:
    """Which raw tables there are, by the files' names, and which files are not strict."""
    if shop.target != "duckdb":
        return ["  files: none are read; the raw tables are in the warehouse"]
    connectors = shop.settings["connectors"]
    if not shop.raw_dir.is_dir() and not connectors:
        return [f"! There is no directory {shown(shop.raw_dir)}: name that of the raw files, --raw-dir."]
    known, others = list(raw_contract()), []
    paths = list(files_of(shop.raw_dir, raw_types()))
    found = list(dict(paths))
    for path in sorted(shop.raw_dir.iterdir()) if shop.raw_dir.is_dir() else []:
        name = path.name.split(".")[0].lower()
        if name not in known and KINDS_OF_FILES.search(path.name.lower()) and (meant := did_you_mean(name, known)):
            others.append(f"  {path.name} is not read{meant}")
    # A shop of connectors alone need not have one.
    lines = (
        [f"  files in {shown(shop.raw_dir)}: {', '.join(found) or 'none of a raw table'}", *others]
        if shop.raw_dir.is_dir()
        else []
    )
    delivered = deliveries(shop.settings, shop.raw_dir)
    for delivery in delivered[1:]:
        place = shown(delivery.directory)
        lines.append(
            f"  connector {delivery.entry} reads {place}: {', '.join(delivery.names())}"
            if delivery.tables
            else f"! The connector {delivery.entry} reads {place}, which holds no file of its tables: name its"
            f" directory, --connector {delivery.entry}=DIR."
        )
        if delivery.tables and delivery.missing:
            lines.append(f"! The connector {delivery.entry} needs {', '.join(delivery.missing)} in {place}"
                         " (docs/connectors.md).")
    fed = {
        table
        for name, entry in connectors.items()
        for table in entry.get("tables") or shop.settings["connector_tables"][entry.get("connector", name)]
        if isinstance(table, str)
    }
    missing = [name for name in required_tables() if name not in found and name not in fed]
    lines += (
        [f"! The required tables {', '.join(missing)} are missing in {shown(shop.raw_dir)} (docs/raw_contract.md)."]
        if missing
        else []
    )
    lines += [
        f"! {shown(path)} cannot be read: give this user the right to."
        for _, path in paths
        if not os.access(path, os.R_OK)
    ]
    try:
        odd = prepare_all(shop.settings, shop.raw_dir, None)
    except FileError as error:
        return [*lines, f"! {error}"]
    return lines + [f"  not strict, read by a copy: {line}" for line in told(odd)]


def places(shop: Shop) -> list[str]:
    """Whether what a run writes can be written."""
    lines = (
        [f"  warehouse: {shown(shop.warehouse)}", f"  published: {shown(shop.published)}"]
        if shop.target == "duckdb"
        else []
    )
    try:
        check_owner(shop)
    except SettingsError as error:
        lines.append(f"! {error}")
    for place in (shop.warehouse, shop.published):
        if not os.access(existing(place), os.W_OK) or (existing(place) != place and not existing(place).is_dir()):
            lines.append(
                f"! {shown(place)} cannot be written: name another place, --warehouse and --published, or give this"
                " user the right to."
            )
    return lines


def existing(path: Path) -> Path:
    """The path, or the nearest directory above it that there is."""
    return path if path.exists() else existing(path.parent)


def disk(shop: Shop) -> list[str]:
    """How much space is free, and whether a run has enough."""
    size = sum(
        path.stat().st_size
        for delivery in deliveries(shop.settings, shop.raw_dir)
        for path in delivery.directory.rglob("*")
        if path.is_file()
    )
    free = min(shutil.disk_usage(existing(place)).free for place in (shop.warehouse, shop.published))
    told = f"{free / 1e9:,.1f} GB are free, and the raw files hold {size / 1e9:,.2f} GB"
    return (
        [f"! disk: {told}: a run takes about {DISK_FACTOR} times as much."]
        if free < DISK_FACTOR * size
        else [f"  disk: {told}"]
    )


def lock(shop: Shop) -> list[str]:
    """A line where another run holds the warehouse."""
    if not shop.warehouse.exists():
        return []
    try:
        with only_run():
            return []
    except AnotherRun as error:
        return [f"! {error}"]


def would_do(shop: Shop) -> str:
    """What a run would build and publish, in a sentence."""
    try:
        now = current(shop.published).name
        if unchanged_report(shop, datetime.now(UTC)):
            return f"A run would build nothing (--rebuild does): nothing has changed since {now} was published."
        before = f"{now} is what readers see until then"
    except NotPublished:
        before = "nothing is published yet"
    kept = shop.settings["published_versions_kept"]
    return (
        f"A run would build {'anew' if shop.warehouse.exists() else 'for the first time'} and publish a version beside"
        f" the last {kept}; {before}."
    )
