"""Shops whose tables stand as loaders land them in a warehouse: what the views of files hold on DuckDB, on another
engine."""

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from ecommerce_segments.raw_contract import raw_contract


@dataclass(frozen=True)
class SourceTable:
    """A loader's table of one entry: its columns by name, with the types that the connector declares."""

    schema: str
    view: str
    name: str
    columns: dict[str, str]


def source_tables(manifest, connectors: dict, connection: duckdb.DuckDBPyConnection) -> Iterator[SourceTable]:
    """The tables of all entries, with the columns that have a value.

    connection: what ConnectedProject.read returned.
    """
    for name, entry in connectors.items():
        connector = entry.get("connector", name)
        for declared in manifest.sources.values():
            if declared.source_name == connector:
                delivered = {
                    column: kind
                    for one in declared.columns.values()
                    for column, kind in [
                        (other, one.data_type) for other in (one.name, *one.config.meta.get("also", []))
                    ]
                }
                prefix = declared.config.meta.get("table_prefix", "")
                yield SourceTable(name, declared.name, f"{prefix}{declared.name}", delivered)


def fed_tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The raw tables that connectors feed."""
    found = connection.execute(
        "select table_name from information_schema.tables where table_schema = 'connectors'"
    ).fetchall()
    return sorted(name.removeprefix("connected_") for (name,) in found if name.startswith("connected_"))


def compared_columns(table: str) -> str:
    """The columns of a raw table in which engines must agree. Each engine has its own hash of an event of GA4."""
    hashed = ["event_id"] if table == "web_events" else []
    return ", ".join(name for name in raw_contract()[table] if name not in hashed)
