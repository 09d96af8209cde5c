"""Tables that a step of Python reads from the warehouse and writes into it, over dbt's own connection.

What is written is declared as a dbt source; its columns and their types there are those of the table.
"""

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from dbt.adapters.factory import get_adapter_by_type
from dbt.contracts.graph.manifest import Manifest

from ecommerce_segments.dbt_session import DbtError, Session, dbt_error
from ecommerce_segments.publish.comments import comments


def read(session: Session, sql: str) -> pd.DataFrame:
    """The rows of a query, which may use Jinja. Raises DbtError with the warehouse's message."""
    compiled = session.invoke("compile", "--inline", sql)[0].node.compiled_code
    with transaction(session.manifest) as cursor:
        cursor.execute(compiled)
        return pd.DataFrame(cursor.fetchall(), columns=[column for column, *_ in cursor.description])


def replace(manifest: Manifest, source: str, tables: dict[str, pd.DataFrame]) -> None:
    """Let the frames, by name, take the place of tables of a source: all of them or, where DbtError is raised, none.

    manifest: that of a project which dbt has parsed in this process. Columns go by their names in the source; a missing
    one is null. Numbers are rounded to 8 decimals, then to their type.
    """
    declared = {table.name: table for table in manifest.sources.values() if table.source_name == source}
    if manifest.metadata.adapter_type == "spark":
        return replace_on_spark(declared, tables)
    fill = FILL[str(manifest.metadata.adapter_type)]
    with transaction(manifest) as cursor, tempfile.TemporaryDirectory() as scratch:
        for name, frame in tables.items():
            table, new, columns = (
                f"{declared[name].schema}.{name}",
                f"{declared[name].schema}.{name}__new",
                declared[name].columns,
            )
            file = Path(scratch, f"{name}.csv")
            write_csv(frame, columns, file)
            cursor.execute(
                f"create table {new} ({', '.join(f'{column.name} {column.data_type}' for column in columns.values())})"
            )
            fill(cursor, new, file)
            # As dbt does with a model's table: views that someone built upon it go with it.
            cursor.execute(f"drop table if exists {table} cascade")
            cursor.execute(f"alter table {new} rename to {name}")
            for comment in comments(
                table, declared[name].description, {column.name: column.description for column in columns.values()}
            ):
                cursor.execute(comment)


@contextmanager
def transaction(manifest: Manifest) -> Iterator[Any]:
    """A cursor of the warehouse. What it did is kept at the end, or taken back where anything is raised."""
    adapter: Any = get_adapter_by_type(str(manifest.metadata.adapter_type))
    with adapter.connection_named("source_tables"):
        connection = adapter.connections.get_thread_connection().handle
        cursor = connection.cursor()
        # Spark knows none: there is nothing to begin, to keep or to take back.
        has_transactions = manifest.metadata.adapter_type != "spark"
        try:
            if has_transactions:
                cursor.execute("begin")
            yield cursor
            if has_transactions:
                cursor.execute("commit")
        except Exception as error:
            connection.rollback()
            raise dbt_error(str(error).strip()) from error


def replace_on_spark(declared: dict, tables: dict[str, pd.DataFrame]) -> None:
    """Each table changes at once, and none before all values are known to fit; but not all of them together."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    from ecommerce_segments.engines.spark_session import spark_session

    with tempfile.TemporaryDirectory() as scratch:
        try:
            frames = {}
            for name, frame in tables.items():
                columns, file = declared[name].columns, Path(scratch, f"{name}.csv")
                write_csv(frame, columns, file)
                schema = ", ".join(
                    f"{column.name} {'string' if column.data_type == 'text' else column.data_type}"
                    for column in columns.values()
                )
                reader = spark_session().read.schema(schema).options(mode="FAILFAST", multiLine=True, escape='"')
                frames[f"{declared[name].schema}.{name}"] = reader.csv(str(file)).localCheckpoint()
            for table, frame in frames.items():
                frame.writeTo(table).using("iceberg").createOrReplace()
        except (PySparkException, Py4JError) as error:
            # Java's own lines stand around the one that says what is wrong.
            found = re.search(r"\[[A-Z_.]+\] .*", str(error))
            raise DbtError(found.group() if found else str(error).strip()) from error


def write_csv(frame: pd.DataFrame, columns: dict, file: Path) -> None:
    """The declared columns in their order; one that the frame lacks is null."""
    frame.reindex(columns=list(columns)).to_csv(file, index=False, header=False, float_format="%.8f")


def fill_on_duckdb(cursor: Any, table: str, file: Path) -> None:
    """Copy a file of CSV, without a header, into a table."""
    cursor.execute(f"copy {table} from '{file}' (format csv, header false, auto_detect false)")


def fill_on_postgres(cursor: Any, table: str, file: Path) -> None:
    """With what dbt gives a mart besides: statistics for the planner, and the right to read for BI_ROLE."""
    with file.open("rb") as rows:
        cursor.copy_expert(f"copy {table} from stdin (format csv)", rows)
    cursor.execute(f"analyze {table}")
    if os.environ.get("BI_ROLE"):
        cursor.execute(f'grant select on {table} to "{os.environ["BI_ROLE"]}"')


FILL: dict[str, Callable[[Any, str, Path], None]] = {"duckdb": fill_on_duckdb, "postgres": fill_on_postgres}
