"""Load a shop's raw files into the schema `raw` of a PostgreSQL database, typed as the raw contract says.

psql's variables (PGHOST, PGDATABASE, ...) name the database. The views that the project makes on DuckDB read the files,
so the text is validated as there: a row with an unreadable value is left out or, as the newest version of its key,
loaded as a deletion of it; an unreadable descriptive value becomes null; and both are reported. Tables and columns that
are not delivered are made too, empty. All tables change at once, or none.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import psycopg2

from ecommerce_segments.engines.raw_tables import load_files, rows_to_load, typed_columns, unreadable_values
from ecommerce_segments.raw_contract import raw_contract
from ecommerce_segments.shop import Shop


def load(files: duckdb.DuckDBPyConnection, server: Any) -> Iterator[str]:
    """Copy all raw tables, and yield a line for each thing that is worth telling.

    files: a DuckDB database with the project's views in its schema raw. server: a psycopg2 connection; the caller
    commits. Raises psycopg2.Error where PostgreSQL takes a value or a statement amiss.
    """
    cursor = server.cursor()
    cursor.execute("create schema if not exists raw")
    for table, columns in raw_contract().items():
        typed = typed_columns(columns)
        yield from unreadable_values(files, table, columns)
        definitions = ", ".join(f"{name} {column['data_type']}" for name, column in columns.items())
        # The staging views that read it are made anew by the next build.
        cursor.execute(f"drop table if exists raw.{table} cascade")
        cursor.execute(f"create table raw.{table} ({definitions})")
        # PostgreSQL writes years before Christ without DuckDB's brackets.
        values = ", ".join(
            f"replace(cast({name} as varchar), '(BC)', 'BC')" if name in typed else name for name in columns
        )
        with tempfile.TemporaryDirectory() as scratch:
            export = Path(scratch, f"{table}.csv")
            files.execute(
                f"copy (select {values} from {rows_to_load(table, columns)}) to '{export}' (format csv, header false)"
            )
            with export.open("rb") as rows:
                cursor.copy_expert(f"copy raw.{table} from stdin (format csv)", rows)
        yield f"{table}: {cursor.rowcount:,} rows"
        cursor.execute(f"analyze raw.{table}")


def load_shop(shop: Shop) -> None:
    """Load the shop's files, and print what is worth telling. Raises CannotDo where they cannot be read."""
    with psycopg2.connect("") as server:
        load_files(shop.given, lambda files: load(files, server))
