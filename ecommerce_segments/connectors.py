"""The connectors of a shop: what its settings say of them, in the form in which dbt takes the var `connectors`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from ecommerce_segments import PROJECT
from ecommerce_segments.raw_contract import raw_types
from ecommerce_segments.read.files import Odd, prepare, remove_former
from ecommerce_segments.settings import SettingsError, defaults, did_you_mean

FOLDER = PROJECT / "models" / "connectors"
# What files of a loader's tables may end with; JSON is read as it is.
KINDS_OF_FILES = re.compile(r"[.](parquet|csv|xlsx|json|jsonl|ndjson)([.]gz)?$")
EXAMPLE = "{shopify: {directory: /srv/shop/shopify}}"


def entries(value: object, base: Path) -> dict[str, dict]:
    """The entries of a setting `connectors`, a map or a list of names, by name. base: theirs are relative to it.

    Raises SettingsError where it is neither, or an entry is of no connector.
    """
    if isinstance(value, list):
        value = {name: {} for name in value}
    if not isinstance(value, dict) or not all(isinstance(entry, dict | None) for entry in value.values()):
        raise SettingsError(f"connectors is '{value}', but must be a list of names, or a map such as {EXAMPLE}.")
    return {str(name): completed(str(name), entry or {}, base) for name, entry in value.items()}


def completed(name: str, entry: dict, base: Path) -> dict:
    """An entry with its connector, if its name does not say it, with the tables of a connector of one's own, and with
    an absolute directory."""
    fed = defaults()["connector_tables"]
    known = sorted({*fed, *(folder.name for folder in FOLDER.iterdir() if folder.is_dir())})
    connector = entry.get("connector") or connector_of(name, known)
    if connector not in known and "tables" not in entry:
        raise SettingsError(
            f"connectors names {connector}, which is no connector"
            + (did_you_mean(connector, known) or f": there are {', '.join(known)} (docs/connectors.md).")
        )
    found = dict(entry)
    if connector != name:
        found["connector"] = connector
    if connector not in fed and "tables" not in entry:
        found["tables"] = sorted(
            path.stem.partition("__")[2] for path in (FOLDER / connector).glob(f"{connector}__*.sql")
        )
    if "directory" in entry:
        found["directory"] = str(base / entry["directory"])
    return found


def connector_of(name: str, known: list[str]) -> str:
    """The connector that an entry's name begins with, such as shopify_us; the longest of several. Else the name."""
    return max((one for one in known if name == one or name.startswith(f"{one}_")), key=len, default=name)


def from_option(text: str) -> tuple[str, str]:
    """NAME=DIR of --connector as name and directory. Raises SettingsError where it is something else."""
    name, equals, directory = text.partition("=")
    if not equals or not name.strip() or not directory.strip():
        raise SettingsError(f"--connector is '{text}', but must be NAME=DIR, such as shopify=/srv/shop/shopify.")
    return name.strip(), directory.strip()


@dataclass(frozen=True)
class LoadersTable:
    """A table that a connector declares. pattern: of the names of its files, without their ending; columns: the type of
    each, by all its names."""

    name: str
    is_required: bool
    pattern: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Delivery:
    """A directory of files: the shop's own raw tables, or what an entry of a connector reads. tables: the types of
    columns, by name of file and column; said: what settings say of the files; missing: the tables that the connector
    cannot do without and are not there."""

    directory: Path
    tables: Mapping[str, Mapping[str, str]]
    said: Mapping[str, Mapping]
    entry: str | None = None
    missing: tuple[str, ...] = ()

    def prepare(self, into: Path | None) -> list[Odd]:
        """Copy the files that are not strict into a directory, if one is given, and say which these are.

        Raises FileError where a file leaves open how it is written.
        """
        said = (self.said.get("files"), self.said.get("column_names"))
        return prepare(self.directory, self.tables, into, *said, self.entry)

    def names(self) -> list[str]:
        """Of the files and folders in the directory, those that are read."""
        return [name for name, stem in stems(self.directory).items() if stem in self.tables]


def deliveries(settings: Mapping, raw_dir: Path) -> list[Delivery]:
    """The directories of a shop's files: its own, and those of its connectors."""
    own = Delivery(raw_dir, raw_types(), settings)
    return [own, *(
        connected(name, entry, Path(entry.get("directory", raw_dir / name)))
        for name, entry in entries(settings.get("connectors") or {}, PROJECT).items()
    )]  # fmt: skip


def prepare_all(settings: Mapping, raw_dir: Path, into: Path | None) -> list[Odd]:
    """Copy the files of a shop and its connectors that are not strict into a directory, if one is given, and say which
    these are. Other copies there go.

    Raises FileError where a file leaves open how it is written.
    """
    found = [odd for delivery in deliveries(settings, raw_dir) for odd in delivery.prepare(into)]
    if into:
        remove_former(into, found)
    return found


def connected(name: str, entry: Mapping, directory: Path) -> Delivery:
    """What an entry of a connector reads in a directory."""
    found = set(stems(directory).values())
    types: dict[str, Mapping[str, str]] = {}
    missing = []
    for table in loaders_tables(entry.get("connector", name), entry.get("table_prefix")):
        of_table = [stem for stem in found if re.fullmatch(table.pattern, stem)]
        types |= dict.fromkeys(of_table, table.columns)
        if table.is_required and not of_table:
            missing.append(table.name)
    return Delivery(directory, types, entry, name, tuple(missing))


def stems(directory: Path) -> dict[str, str]:
    """The names of what is in a directory, each with that of the table which it may hold."""
    names = sorted(path.name for path in directory.iterdir()) if directory.is_dir() else []
    return {name: KINDS_OF_FILES.sub("", name.lower()) for name in names}


def loaders_tables(connector: str, prefix: str | None = None) -> list[LoadersTable]:
    """The tables that a connector's sources declare. prefix: what may stand before their names, if not what the sources
    say."""
    declared = []
    for file in (FOLDER / connector).glob("*.yml"):
        for source in yaml.safe_load(file.read_text()).get("sources", []):
            for table in source["tables"]:
                about = table.get("config", {}).get("meta", {})
                names = about.get("files") or "|".join([table["name"], *about.get("also", [])])
                before = re.escape((prefix or about.get("table_prefix", "")).lower())
                columns = {
                    name: column["data_type"]
                    for column in table["columns"]
                    for name in [column["name"], *column.get("config", {}).get("meta", {}).get("also", [])]
                }
                pattern = f"({before})?({names})"
                declared.append(LoadersTable(table["name"], about.get("required", False), pattern, columns))
    return declared
