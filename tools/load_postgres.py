"""Load a shop's raw files into the schema `raw` of a PostgreSQL database, typed as the raw contract says.

Usage: python tools/load_postgres.py [RAW_DIR]

psql's variables (PGHOST, PGDATABASE, ...) name the database. The views that the project makes on DuckDB read the files, so the
text is judged as there: a row with an unreadable value is left out, an unreadable descriptive value becomes null, and both
are reported. Tables and columns that are not delivered are made too, empty. All tables change at once, or none.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psycopg2
import yaml
from dbt.cli.main import dbtRunner

PROJECT = Path(__file__).parent.parent


def load(files: duckdb.DuckDBPyConnection, server) -> Iterator[str]:
    """Copy all raw tables, and yield a line for each thing that is worth telling.

    files: a DuckDB database with the project's views in its schema raw. server: a psycopg2 connection; the caller commits.
    Raises psycopg2.Error where PostgreSQL takes a value or a statement amiss.
    """
    cursor = server.cursor()
    cursor.execute("create schema if not exists raw")
    for table, columns in raw_contract():
        typed = {name: column for name, column in columns.items() if column["data_type"] != "text"}
        yield from unreadable_values(files, table, typed)
        definitions = ", ".join(f"{name} {column['data_type']}" for name, column in columns.items())
        cursor.execute(f"drop table if exists raw.{table}")
        cursor.execute(f"create table raw.{table} ({definitions})")
        # PostgreSQL writes years before Christ without DuckDB's brackets.
        values = ", ".join(f"replace(cast({name} as varchar), '(BC)', 'BC')" if name in typed else name for name in columns)
        with tempfile.TemporaryDirectory() as scratch:
            export = Path(scratch, f"{table}.csv")
            files.execute(f"copy (select {values} from raw.{table} where {readable(typed)}) to '{export}' (format csv, header false)")
            with export.open("rb") as rows:
                cursor.copy_expert(f"copy raw.{table} from stdin (format csv)", rows)
        yield f"{table}: {cursor.rowcount:,} rows"
        cursor.execute(f"analyze raw.{table}")


def raw_contract() -> Iterator[tuple[str, dict]]:
    """Each table's name and its columns, as models/staging/_raw_sources.yml has them."""
    sources = yaml.safe_load((PROJECT / "models" / "staging" / "_raw_sources.yml").read_text())["sources"]
    for table in next(source["tables"] for source in sources if source["name"] == "raw"):
        yield table["name"], {column["name"]: column for column in table["columns"]}


def is_descriptive(column: dict) -> bool:
    return column.get("config", {}).get("meta", {}).get("descriptive", False)


def readable(typed: dict) -> str:
    """The condition that a row passes if it may be loaded."""
    return " and ".join(["true", *(f"{name}__unreadable is null" for name, column in typed.items() if not is_descriptive(column))])


def unreadable_values(files: duckdb.DuckDBPyConnection, table: str, typed: dict) -> Iterator[str]:
    """A line for each column with values that cannot be read."""
    if not typed:
        return
    found = files.execute("select " + ", ".join(f"count({name}__unreadable), min({name}__unreadable)" for name in typed)
                          + f" from raw.{table}").fetchone()
    for (name, column), times, example in zip(typed.items(), found[::2], found[1::2], strict=True):
        if times:
            outcome = "loaded as null" if is_descriptive(column) else "their rows left out"
            yield f"{table}: {times:,} unreadable values of {name}, such as '{example}', {outcome}"


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["DUCKDB_PATH"] = f"{scratch}/files.duckdb"
        if sys.argv[1:]:
            os.environ["RAW_DIR"] = str(Path(sys.argv[1]).resolve())
        views = dbtRunner().invoke(["run-operation", "expose_raw_files", "--target", "duckdb", "--quiet", "--project-dir", str(PROJECT),
                                    "--profiles-dir", str(PROJECT), "--target-path", scratch, "--log-path", scratch])
        if not views.success:
            return 2
        with duckdb.connect(os.environ["DUCKDB_PATH"]) as files, psycopg2.connect("") as server:
            for line in load(files, server):
                print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
