"""The shop that a command is about. Options beat environment variables, and these beat the shop's own file,
segments.toml.

    option        variable       in segments.toml    meaning
    --shop        SHOP_DIR                           directory of segments.toml (the current one, if it has such a file)
    --raw-dir     RAW_DIR        raw_dir             directory of the raw files (data/demo, or data/NAME)
    --name        DATASET        name                name of the shop (that of its directory)
    --warehouse   DUCKDB_PATH    warehouse           the warehouse (warehouse/NAME.duckdb)
    --published   PUBLISHED_DIR  published           what readers see (published/NAME)
    --target      TARGET         target              an output of profiles.yml (duckdb)
    --set A=B     VARS (YAML)    by their own names  settings, those of dbt_project.yml
    --connector NAME=DIR         connectors          systems whose files are in other directories (none)

Relative paths are meant from where the command was called, in segments.toml from its directory. Places in brackets
stand in the directory of segments.toml; of a shop without one, in the project's. Of a shop of connectors alone the raw
directory is `raw` in that of the first one, and need not be there.
"""

import os
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ecommerce_segments import PROJECT
from ecommerce_segments.connectors import entries, from_option
from ecommerce_segments.read import VARIABLE, copies_beside
from ecommerce_segments.settings import (
    SettingsError,
    check_settings,
    defaults,
    did_you_mean,
    given_settings,
    refuse_unknown,
)

CALLED_FROM = Path.cwd()
FILE = "segments.toml"
# What segments.toml says of places, and the variable of each.
PLACES = {"raw_dir": "RAW_DIR", "warehouse": "DUCKDB_PATH", "published": "PUBLISHED_DIR"}
NAMES = {"name": "DATASET", "target": "TARGET"}


@dataclass(frozen=True)
class Shop:
    """Paths are absolute. `given` is what VARS and segments.toml change of `settings`; is_simulated: people and orders
    are made up; named_after_it: the places that nobody named, so that they go by the shop's name; file: its
    segments.toml."""

    name: str
    raw_dir: Path
    warehouse: Path
    published: Path
    target: str
    given: dict
    settings: dict
    is_simulated: bool
    named_after_it: tuple[Path, ...]
    file: Path | None


def this_shop(options: Mapping[str, str] | None = None) -> Shop:
    """The shop of the options (by the names of their variables), the environment and segments.toml, with its settings
    checked.

    Then the process stands in the project's directory, and dbt finds the shop in the environment. Raises SettingsError.
    """
    typed = {name: value for given in (os.environ, options or {}) for name, value in given.items() if value}
    file = shops_file(typed)
    written, from_file = read_file(file) if file else ({}, {})
    asked = written | typed
    base = file.parent if file else PROJECT
    changed = (
        given_settings(typed.get("VARS", "")) | given_settings((options or {}).get("SET") or "", "--set")
    )
    connected = connected_systems(from_file, changed, (options or {}).get("CONNECTOR") or "", base)
    home = next((Path(entry["directory"]) for entry in connected.values() if "directory" in entry), None)
    raw_dir = path_of(
        asked.get("RAW_DIR"),
        home / "raw" if home and "DATASET" not in typed else PROJECT / "data" / asked.get("DATASET", "demo"),
    )
    of_its_place = home.name if home and home in raw_dir.parents else raw_dir.name
    name = asked.get("DATASET") or (file.parent.name if file and "RAW_DIR" not in typed else of_its_place)
    warehouse = path_of(asked.get("DUCKDB_PATH"), base / "warehouse" / f"{name}.duckdb")
    published = path_of(asked.get("PUBLISHED_DIR"), base / "published" / name)
    sample = PROJECT / "sample_data" / f"{raw_dir.name}.yml"
    is_sample = raw_dir.parent == PROJECT / "data" and sample.exists()
    of_the_sample = given_settings(sample.read_text()) if is_sample and "VARS" not in typed else {}
    given = of_the_sample | from_file | changed | ({"connectors": connected} if connected else {})
    settings = defaults() | given
    check_settings(settings)
    target = asked.get("TARGET") or asked.get("DBT_TARGET") or "duckdb"
    named_after_it = tuple(
        place for place, variable in ((warehouse, "DUCKDB_PATH"), (published, "PUBLISHED_DIR")) if variable not in asked
    )
    os.environ.update(
        {
            "RAW_DIR": str(raw_dir),
            "DATASET": name,
            "DUCKDB_PATH": str(warehouse),
            VARIABLE: str(copies_beside(warehouse)),
            "PUBLISHED_DIR": str(published),
            "DBT_TARGET": target,
        }
    )
    for variable in ("DBT_TARGET_PATH", "DBT_LOG_PATH"):
        if variable in asked:
            os.environ[variable] = str(CALLED_FROM / asked[variable])
    os.chdir(PROJECT)
    return Shop(
        name,
        raw_dir,
        warehouse,
        published,
        target,
        given,
        settings,
        is_sample and raw_dir.name != "complete_journey",
        named_after_it,
        file,
    )


def connected_systems(from_file: dict, changed: dict, typed: str, base: Path) -> dict[str, dict]:
    """The entries of the setting `connectors`, with the directories of --connector, a line each, put in.

    Raises SettingsError.
    """
    connected = entries(changed["connectors"], CALLED_FROM) if "connectors" in changed else entries(
        from_file.get("connectors", {}), base
    )
    for name, directory in map(from_option, typed.splitlines()):
        connected |= entries({name: connected.get(name, {}) | {"directory": directory}}, CALLED_FROM)
    return connected


def shops_file(typed: Mapping[str, str]) -> Path | None:
    """The segments.toml of the directory that was named, which must be there, or of the one that the command was called
    from."""
    file = path_of(typed.get("SHOP_DIR"), CALLED_FROM) / FILE
    if file.exists():
        return file
    if "SHOP_DIR" in typed:
        raise SettingsError(
            f"There is no {shown(file)}: write one with raw_dir = \"...\" in it, or leave the directory of the shop"
            " out."
        )
    return None


def read_file(file: Path) -> tuple[dict[str, str], dict]:
    """What segments.toml says: places and names, by their variables, and settings. Raises SettingsError."""
    try:
        content = tomllib.loads(file.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{shown(file)} cannot be read as TOML: {error}. Texts stand in quotes, as in raw_dir = \"raw\"."
        ) from None
    places = {
        variable: str(Path(os.path.normpath(file.parent / str(content[name]))))
        for name, variable in PLACES.items()
        if name in content
    }
    names = {variable: str(content[name]) for name, variable in NAMES.items() if name in content}
    settings = {name: value for name, value in content.items() if name not in PLACES | NAMES}
    known = defaults()
    for name in settings:
        if meant := did_you_mean(name, [*PLACES, *NAMES]):
            raise SettingsError(f"{shown(file)} names {name}, which is no setting{meant}")
        refuse_unknown(name, known, shown(file))
    return places | names, settings


def path_of(asked: str | None, otherwise: Path) -> Path:
    """Without links being followed: a shop may stand behind one that leads elsewhere each night."""
    return Path(os.path.normpath(CALLED_FROM / asked)) if asked else otherwise


def typed_path(text: str) -> str:
    """A path that a user typed, so that it means the same in the project's directory."""
    return text if CALLED_FROM == PROJECT else str(CALLED_FROM / text)


def owner_of(place: Path) -> Path:
    """The file that says which raw files a place is filled from: in a directory, or beside a warehouse."""
    return place.with_name(f"{place.stem}.raw_dir.txt") if place.suffix == ".duckdb" else place / "raw_dir.txt"


def check_owner(shop: Shop) -> None:
    """Raise SettingsError where a place that goes by the shop's name alone belongs to files elsewhere: /srv/a/raw and
    /srv/b/raw have the same name."""
    for place in shop.named_after_it:
        owner = owner_of(place)
        if owner.exists() and (former := owner.read_text().strip()) != str(shop.raw_dir):
            raise SettingsError(
                f"{shown(place)} is that of the shop in {former}, and not of {shop.raw_dir}: give this one a name of"
                " its own,"
                f" such as --name {pasted(shop.raw_dir.parent.name)}. If the files have moved, name both places,"
                " --warehouse and --published."
            )


def own(shop: Shop) -> None:
    """Note that the shop's places are filled from its raw files.

    Raises SettingsError as check_owner does, and OSError where it cannot be noted.
    """
    check_owner(shop)
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
