"""A shop's raw files as the project reads them on DuckDB, for those who load them into a warehouse."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import yaml
from dbt.cli.main import dbtRunner

PROJECT = Path(__file__).parent.parent


def raw_contract() -> Iterator[tuple[str, dict]]:
    """Each table's name and its columns, as models/staging/_raw_sources.yml has them."""
    sources = yaml.safe_load((PROJECT / "models" / "staging" / "_raw_sources.yml").read_text())["sources"]
    for table in next(source["tables"] for source in sources if source["name"] == "raw"):
        yield table["name"], {column["name"]: column for column in table["columns"]}


def is_descriptive(column: dict) -> bool:
    return column.get("config", {}).get("meta", {}).get("descriptive", False)


def typed_columns(columns: dict) -> dict:
    return {name: column for name, column in columns.items() if column["data_type"] != "text"}


def readable(columns: dict) -> str:
    """The condition that a row passes if it may be loaded."""
    return " and ".join(["true", *(f"{name}__unreadable is null" for name, column in typed_columns(columns).items() if not is_descriptive(column))])


def unreadable_values(files: duckdb.DuckDBPyConnection, table: str, columns: dict) -> Iterator[str]:
    """A line for each column with values that cannot be read."""
    typed = typed_columns(columns)
    if not typed:
        return
    found = files.execute("select " + ", ".join(f"count({name}__unreadable), min({name}__unreadable)" for name in typed)
                          + f" from raw.{table}").fetchone()
    for (name, column), times, example in zip(typed.items(), found[::2], found[1::2], strict=True):
        if times:
            outcome = "loaded as null" if is_descriptive(column) else "their rows left out"
            yield f"{table}: {times:,} unreadable values of {name}, such as '{example}', {outcome}"


def load_files(load: Callable[[duckdb.DuckDBPyConnection], Iterator[str]]) -> int:
    """Make the project's views of the raw files, hand a database with them to `load`, and print what it says.

    The command line may name RAW_DIR. Returns the exit code: 2 where the files cannot be read, which dbt says.
    """
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["DUCKDB_PATH"] = f"{scratch}/files.duckdb"
        if sys.argv[1:]:
            os.environ["RAW_DIR"] = str(Path(sys.argv[1]).resolve())
        views = dbtRunner().invoke(["run-operation", "expose_raw_files", "--target", "duckdb", "--quiet", "--project-dir", str(PROJECT),
                                    "--profiles-dir", str(PROJECT), "--target-path", scratch, "--log-path", scratch])
        if not views.success:
            return 2
        with duckdb.connect(os.environ["DUCKDB_PATH"]) as files:
            for line in load(files):
                print(line)
    return 0
