"""The shop that a command is about, from the environment: the same variables for make, for a scheduler, and in any directory.

    RAW_DIR        directory of the raw files (data/demo, or data/DATASET)
    DATASET        name of the shop (the last part of RAW_DIR)
    DUCKDB_PATH    the warehouse (warehouse/NAME.duckdb)
    PUBLISHED_DIR  what readers see (published/NAME)
    VARS           settings, as YAML (those of the sample, where RAW_DIR is one)
    TARGET         an output of profiles.yml (duckdb)

Relative paths are meant from where the command was called; those in brackets stand in the project's directory.
"""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from settings import PROJECT, SettingsError, check_settings, defaults, given_settings

CALLED_FROM = Path.cwd()


@dataclass(frozen=True)
class Shop:
    """Paths are absolute. `given` is what VARS changes of `settings`; is_simulated: people and orders are made up; named_after_it: the
    places that nobody named, so that they go by the shop's name."""

    raw_dir: Path
    warehouse: Path
    published: Path
    target: str
    given: dict
    settings: dict
    is_simulated: bool
    named_after_it: tuple[Path, ...]


def this_shop(variables: str | None = None) -> Shop:
    """The shop of the environment, with its settings checked; variables: takes the place of VARS.

    Then the process stands in the project's directory, and dbt finds the shop in the environment. Raises SettingsError.
    """
    asked = {name: value for name, value in os.environ.items() if value}
    raw_dir = path_of(asked.get("RAW_DIR"), PROJECT / "data" / asked.get("DATASET", "demo"))
    name = asked.get("DATASET") or raw_dir.name
    warehouse = path_of(asked.get("DUCKDB_PATH"), PROJECT / "warehouse" / f"{name}.duckdb")
    published = path_of(asked.get("PUBLISHED_DIR"), PROJECT / "published" / name)
    sample = PROJECT / "sample_data" / f"{raw_dir.name}.yml"
    is_sample = raw_dir.parent == PROJECT / "data" and sample.exists()
    text = asked.get("VARS") if variables is None else variables
    given = given_settings(text or (sample.read_text() if is_sample else ""))
    settings = defaults() | given
    check_settings(settings)
    target = asked.get("TARGET") or asked.get("DBT_TARGET") or "duckdb"
    named_after_it = tuple(place for place, variable in ((warehouse, "DUCKDB_PATH"), (published, "PUBLISHED_DIR")) if variable not in asked)
    os.environ.update({"RAW_DIR": str(raw_dir), "DATASET": name, "DUCKDB_PATH": str(warehouse), "PUBLISHED_DIR": str(published),
                       "DBT_TARGET": target})
    for name in ("DBT_TARGET_PATH", "DBT_LOG_PATH"):
        if name in asked:
            os.environ[name] = str(CALLED_FROM / asked[name])
    os.chdir(PROJECT)
    return Shop(raw_dir, warehouse, published, target, given, settings, is_sample and raw_dir.name == "demo", named_after_it)


def path_of(asked: str | None, otherwise: Path) -> Path:
    """Without links being followed: a shop may stand behind one that leads elsewhere each night."""
    return Path(os.path.normpath(CALLED_FROM / asked)) if asked else otherwise


def typed_path(text: str) -> str:
    """A path that a user typed, so that it means the same in the project's directory."""
    return text if CALLED_FROM == PROJECT else str(CALLED_FROM / text)


def owner_of(place: Path) -> Path:
    """The file that says which raw files a place is filled from: in a directory, or beside a warehouse."""
    return place.with_name(f"{place.stem}.raw_dir.txt") if place.suffix == ".duckdb" else place / "raw_dir.txt"


def own(shop: Shop) -> None:
    """Note that the shop's places are filled from its raw files. Raises SettingsError where one that goes by the shop's name alone belongs
    to files elsewhere: /srv/a/raw and /srv/b/raw have the same name. Raises OSError where it cannot be noted."""
    for place in shop.named_after_it:
        owner = owner_of(place)
        if owner.exists() and (former := owner.read_text().strip()) != str(shop.raw_dir):
            raise SettingsError(f"{shown(place)} is that of the shop in {former}, and not of {shop.raw_dir}: give this one a name of its own,"
                                f" such as DATASET={pasted(shop.raw_dir.parent.name)}. If the files have moved, name both places, DUCKDB_PATH and PUBLISHED_DIR.")
    for place in (shop.warehouse, shop.published):
        owner = owner_of(place)
        owner.parent.mkdir(parents=True, exist_ok=True)
        owner.write_text(f"{shop.raw_dir}\n")


def shown(path: Path) -> str:
    """A path for people: from where the command was called, if it lies there."""
    return str(path.relative_to(CALLED_FROM)) if path.is_relative_to(CALLED_FROM) else str(path)


def pasted(text: object) -> str:
    """A text as a word of a command that can be pasted into a shell; paths as they are shown."""
    return shlex.quote(shown(text) if isinstance(text, Path) else str(text))
