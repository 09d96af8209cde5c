"""A shop's raw files as the project reads them on DuckDB, for those who load them into a warehouse."""

import os
import tempfile
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb
import yaml
from dbt.cli.main import dbtRunner

from ecommerce_segments import PROJECT, CannotDo
from ecommerce_segments.build.failures import bare
from ecommerce_segments.build.file_faults import file_fault
from ecommerce_segments.raw_contract import key_of, raw_types
from ecommerce_segments.read.files import converted, prepare, told


def is_descriptive(column: dict) -> bool:
    """Whether a column only describes: an unreadable value of it is loaded as null, and keeps its row."""
    return column.get("config", {}).get("meta", {}).get("descriptive", False)


def typed_columns(columns: dict) -> dict:
    """The columns that are not text, whose values may be unreadable."""
    return {name: column for name, column in columns.items() if column["data_type"] != "text"}


def rows_to_load(table: str, columns: dict) -> str:
    """The rows of a raw table that may be loaded, as what stands behind `from`: those that can be read, and deletions
    whatever else they say.

    The newest version of a key decides. One that cannot be read is loaded as the deletion of its key: then no older
    version counts in its place, not even one that a former night loaded.
    """
    readable = " and ".join(
        [
            "true",
            *(
                f"{name}__unreadable is null"
                for name, column in typed_columns(columns).items()
                if not is_descriptive(column)
            ),
        ]
    )
    if "updated_at" not in columns:
        return f"raw.{table} where {readable}"
    key = key_of(table)
    identified = " and ".join(f"{name} is not null" for name in [*key, "updated_at"])
    of_one_key = " and ".join(f"loaded.{name} = versions.{name}" for name in key)
    # Materialized, so that a file of text is read once.
    return f"""(
        with
        versions as materialized (from raw.{table}),
        loaded as (from versions where ({readable}) or (coalesce(is_deleted, false) and {identified}))
        from loaded
        union all by name
        select {', '.join(key)}, updated_at, loaded_at, true as is_deleted from versions
        where {identified}
            and not exists (select 1 from loaded where {of_one_key} and loaded.updated_at >= versions.updated_at)
    )"""


def unreadable_values(files: duckdb.DuckDBPyConnection, table: str, columns: dict) -> Iterator[str]:
    """A line for each column with values that cannot be read."""
    typed = typed_columns(columns)
    if not typed:
        return
    (found,) = files.execute(
        "select "
        + ", ".join(f"count({name}__unreadable), min({name}__unreadable)" for name in typed)
        + f" from raw.{table}"
    ).fetchall()
    for (name, column), times, example in zip(typed.items(), found[::2], found[1::2], strict=True):
        if times:
            left_out = (
                "their rows loaded as deletions where they are the newest version, else left out"
                if "updated_at" in columns
                else "their rows left out"
            )
            outcome = "loaded as null" if is_descriptive(column) else left_out
            yield f"{table}: {times:,} unreadable values of {name}, such as '{example}', {outcome}"


def clock_changes(files: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """A line for each column with local times that the clocks of their zone showed twice or never."""
    for table, column, zone, repeated, skipped in files.execute("from raw.clock_changes").fetchall():
        yield (
            f"{table}: of the local times of {zone} in {column}, {repeated:,} lie in an hour that occurred twice (the"
            " first one is taken)"
            f" and {skipped:,} in one that never was (moved forward)"
        )


def load_files(variables: dict, load: Callable[[duckdb.DuckDBPyConnection], Iterator[str]]) -> None:
    """Make the project's views of the raw files in RAW_DIR, hand a database with them to `load`, and print what it
    says.

    variables: dbt's vars. Files that are not strict are told, and read by copies that go again.
    Raises CannotDo where the files cannot be read: a transaction around this is then not committed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["DUCKDB_PATH"] = f"{scratch}/files.duckdb"
        copies = Path(scratch, "files")
        odd = prepare(
            Path(os.environ["RAW_DIR"]), raw_types(), copies, variables.get("files"), variables.get("column_names")
        )
        for line in told(odd):
            print(line)
        said: list[str] = []

        def hear(event: Any) -> None:
            said.append(event.info.msg)

        with converted(copies):
            views = dbtRunner(callbacks=[hear]).invoke(
                [
                    "run-operation",
                    "expose_raw_files",
                    "--target",
                    "duckdb",
                    "--quiet",
                    "--project-dir",
                    str(PROJECT),
                    "--profiles-dir",
                    str(PROJECT),
                    "--target-path",
                    scratch,
                    "--log-path",
                    scratch,
                    "--vars",
                    yaml.safe_dump(variables, sort_keys=False),
                ]
            )
        if not views.success:
            raise CannotDo(file_fault("\n".join(said), PROJECT) or bare(str(views.exception or "\n".join(said))))
        with duckdb.connect(os.environ["DUCKDB_PATH"]) as files:
            try:
                for line in chain(clock_changes(files), load(files)):
                    print(line)
            except duckdb.Error as error:
                if not (sentence := file_fault(str(error), PROJECT)):
                    raise
                raise CannotDo(sentence) from error
