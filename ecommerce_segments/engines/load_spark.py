"""Load a shop's raw files into the schema `raw` of a Spark warehouse, as Iceberg tables typed as the raw contract says.

The environment names the warehouse (docs/spark.md). The views that the project makes on DuckDB read the files, so the
text is validated as there: a row with an unreadable value is left out or, as the newest version of its key, loaded as a
deletion of it; an unreadable descriptive value becomes null; and both are reported. Tables and columns that are not
delivered are made too, empty. Each table changes at once, but not all of them together.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
from pyspark.sql import DataFrame, SparkSession

from ecommerce_segments.engines.raw_tables import load_files, rows_to_load, unreadable_values
from ecommerce_segments.engines.spark_session import spark_session
from ecommerce_segments.raw_contract import raw_contract
from ecommerce_segments.shop import Shop


def load(files: duckdb.DuckDBPyConnection, spark: SparkSession) -> Iterator[str]:
    """Copy all raw tables, and yield a line for each thing that is worth telling.

    files: a DuckDB database with the project's views in its schema raw. Spark's workers must see the directory for
    temporary files.
    """
    spark.sql("create schema if not exists raw")
    with tempfile.TemporaryDirectory() as scratch:
        for table, columns in raw_contract().items():
            yield from unreadable_values(files, table, columns)
            frame = spark_frame(files, spark, table, columns, Path(scratch, f"{table}.parquet"))
            frame.writeTo(f"raw.{table}").using("iceberg").createOrReplace()
            yield f"{table}: {spark.table(f'raw.{table}').count():,} rows"


def spark_frame(
    files: duckdb.DuckDBPyConnection, spark: SparkSession, table: str, columns: dict, parquet: Path
) -> DataFrame:
    """The rows of a raw table that may be loaded, by way of a file.

    Moments are marked as such: Spark reads others in its own time zone.
    """
    values = ", ".join(
        f"timezone('UTC', {name}) as {name}" if column["data_type"] == "timestamp" else name
        for name, column in columns.items()
    )
    files.execute(f"copy (select {values} from {rows_to_load(table, columns)}) to '{parquet}' (format parquet)")
    # The calendar that Spark had before version 3 is not meant.
    return spark.read.option("datetimeRebaseMode", "CORRECTED").parquet(str(parquet))


def load_shop(shop: Shop) -> None:
    """Load the shop's files, and print what is worth telling. Raises CannotDo where they cannot be read."""
    load_files(shop.given, lambda files: load(files, spark_session()))
