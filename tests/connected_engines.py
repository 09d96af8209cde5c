"""A shop of all connectors at once, in the tables that loaders land: on DuckDB as files, and from there on another
engine."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path

import duckdb

from connected_shops import ConnectedProject
from ecommerce_segments.raw_contract import raw_contract
from project import Project
from random_shops import random_shop, write_shop
from there_and_back import clean_tables

AS_OF_DATE = date(2025, 3, 30)
# One shop in each system: their ids are the same, so that all but the first have a prefix.
CONNECTORS = {
    name: {} for name in ("shopify", "shopify_csv", "woocommerce", "prestashop", "ga4", "klaviyo", "ad_reporting")
}
SETTINGS = {"connectors": CONNECTORS, "shop_timezone": "Europe/Berlin"}


@dataclass(frozen=True)
class SourceTable:
    """A loader's table: where it stands on DuckDB and elsewhere, and the declared types of its columns, by name."""

    view: str
    schema: str
    name: str
    columns: dict[str, str]


def on_duckdb(project: Project, directory: Path) -> duckdb.DuckDBPyConnection:
    """What connectors bring of a random shop that is written in the shape of each of their systems.

    project: without connectors. Returns a connection to the database.
    """
    write_shop(random_shop(3, AS_OF_DATE, SETTINGS["shop_timezone"]), directory / "direct", "parquet")
    direct = project.compiled(directory / "direct", as_of_date=str(AS_OF_DATE), max_days_without_orders=None)
    with direct.build(directory / "direct") as connection:
        tables = clean_tables(direct, connection)
    given = duckdb.from_arrow(tables["marketing_spend"])
    ads = "if(day(spend_date) % 2 = 0, 'paid_search', 'paid_social') as channel"
    tables["marketing_spend"] = given.select(f"* replace ({ads})").to_arrow_table()
    for name in CONNECTORS:
        import_module(f"sample_data.sources.{name}").write(tables, directory / "shop" / name)
    return ConnectedProject(directory / "connected", **SETTINGS).read(directory / "shop")


def source_tables(project: Project, connection: duckdb.DuckDBPyConnection) -> Iterator[SourceTable]:
    """The loaders' tables that have rows. project: parsed with the connectors; connection: of on_duckdb."""
    for declared in project.manifest.sources.values():
        name = declared.config.meta.get("table_prefix", "") + declared.name
        view = f'"{declared.source_name}"."{name}"'
        if declared.source_name in CONNECTORS and connection.execute(f"select 1 from {view} limit 1").fetchone():
            columns = {
                name_of_it: column.data_type
                for column in declared.columns.values()
                for name_of_it in (column.name, *column.config.meta.get("also", []))
            }
            yield SourceTable(view, declared.source_name, name, columns)


def brought(connection) -> dict[str, Counter]:
    """The rows of each raw table that connectors feed, as texts. connection: DuckDB's, or what executes alike."""
    found = {}
    for table in ("customers", "products", "orders", "order_lines", "refunds", "sessions", "web_events", "email_events",
                  "marketing_spend"):  # fmt: skip
        # Each engine has its own hash of an event of GA4.
        columns = [name for name in raw_contract()[table] if (table, name) != ("web_events", "event_id")]
        rows = connection.execute(f"select {', '.join(columns)} from connectors.connected_{table}").fetchall()
        found[table] = Counter(tuple(map(text_of, row)) for row in rows)
    return found


def text_of(value: object) -> str:
    """A value as every engine has it: decimals without the places that are 0."""
    text = str(value)
    return text.rstrip("0").rstrip(".") if "." in text and text.replace(".", "").lstrip("-").isdigit() else text


def differences(here: dict[str, Counter], there: dict[str, Counter]) -> list[str]:
    """Rows that only one of two engines has, some of each table; and tables that nothing was compared of."""
    return [f"{table} has no rows" for table in here if not here[table]] + [
        f"{table}: {row} is on one of the two only"
        for table in here
        for row in sorted((here[table] - there[table]) + (there[table] - here[table]), key=repr)[:4]
    ]
