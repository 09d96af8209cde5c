"""The raw contract: the tables that a shop hands over, and their columns."""

from functools import cache

import yaml

from ecommerce_segments import PROJECT

FILE = PROJECT / "models" / "staging" / "_raw_sources.yml"


@cache
def raw_tables() -> list[dict]:
    """The tables, as dbt's file of the raw sources has them: name, description, config, columns."""
    sources = yaml.safe_load(FILE.read_text())["sources"]
    return [table for source in sources if source["name"] == "raw" for table in source["tables"]]


def key_of(table: str) -> list[str]:
    """The columns whose values tell the rows of a table apart; none where each row counts."""
    return next(meta(one).get("key", []) for one in raw_tables() if one["name"] == table)


def required_tables() -> list[str]:
    """The tables without which nothing is built."""
    return [table["name"] for table in raw_tables() if meta(table).get("required")]


def meta(table: dict) -> dict:
    """What a table's entry says to the project alone."""
    return table.get("config", {}).get("meta", {})


def raw_types() -> dict[str, dict[str, str]]:
    """By table and column, the type of the column."""
    return {
        table: {name: column["data_type"] for name, column in columns.items()}
        for table, columns in raw_contract().items()
    }


def raw_contract() -> dict[str, dict[str, dict]]:
    """By table and column, what dbt's file of the raw sources says of the column: name, data_type, description, config.
    """
    return {table["name"]: {column["name"]: column for column in table["columns"]} for table in raw_tables()}
