"""The connectors of a shop: what its settings say of them, in the form in which dbt takes the var `connectors`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from ecommerce_segments import PROJECT
from ecommerce_segments.raw_contract import raw_types
from ecommerce_segments.read.files import KINDS_OF_FILES, Odd, prepare
from ecommerce_segments.settings import SettingsError, defaults, did_you_mean

FOLDER = PROJECT / "models" / "connectors"
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
class Delivery:
    """A directory of files: the shop's own raw tables, or what an entry of a connector reads. tables: the types of
    columns, by name of file and column; said: what settings say of the files."""

    directory: Path
    tables: Mapping[str, Mapping[str, str]]
    said: Mapping[str, Mapping]
    entry: str | None = None

    def prepare(self, into: Path | None) -> list[Odd]:
        """Copy the files that are not strict into a directory, if one is given, and say which these are.

        Raises FileError where a file leaves open how it is written.
        """
        said = (self.said.get("files"), self.said.get("column_names"))
        return prepare(self.directory, self.tables, into, *said, self.entry)


def deliveries(settings: Mapping, raw_dir: Path) -> list[Delivery]:
    """The directories of a shop's files: its own, and those of its connectors."""
    found = [Delivery(raw_dir, raw_types(), settings)]
    for name, entry in entries(settings.get("connectors") or {}, PROJECT).items():
        directory = Path(entry.get("directory", raw_dir / name))
        tables = types_of_files(entry.get("connector", name), directory, entry.get("table_prefix"))
        found.append(Delivery(directory, tables, entry, name))
    return found


def types_of_files(connector: str, directory: Path, prefix: str | None = None) -> dict[str, dict[str, str]]:
    """By name of file, without its ending, the types of the columns that the connector's sources declare for it.
    prefix: what may stand before the names of tables, if not what the sources say."""
    declared = []
    for file in (FOLDER / connector).glob("*.yml"):
        for source in yaml.safe_load(file.read_text()).get("sources", []):
            for table in source["tables"]:
                about = table.get("config", {}).get("meta", {})
                pattern = about.get("files") or "|".join([table["name"], *about.get("also", [])])
                columns = {
                    name: column["data_type"]
                    for column in table["columns"]
                    for name in [column["name"], *column.get("config", {}).get("meta", {}).get("also", [])]
                }
                declared.append((re.escape((prefix or about.get("table_prefix", "")).lower()), pattern, columns))
    stems = {KINDS_OF_FILES.sub("", path.name.lower()) for path in directory.iterdir()} if directory.is_dir() else set()
    return {
        stem: columns
        for stem in stems
        for before, pattern, columns in declared
        if re.fullmatch(f"({before})?({pattern})", stem)
    }
