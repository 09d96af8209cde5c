"""The connectors of a shop: what its settings say of them, in the form in which dbt takes the var `connectors`."""

from pathlib import Path

from ecommerce_segments import PROJECT
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
