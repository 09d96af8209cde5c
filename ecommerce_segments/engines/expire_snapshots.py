"""Remove what the tables of a Spark warehouse were before, with its files, and print how many files went.

Iceberg keeps each former state of a table until it is told not to: what a build replaced, and whoever is forgotten.
States that are older than so many days go (1, unless told otherwise); 0 leaves the present ones alone, and takes them
from under a query that still reads a former one. The environment names the warehouse (docs/spark.md).
"""

import time
from typing import Any

SCHEMAS = ["raw", "staging", "intermediate", "marts"]
MILLISECONDS = 24 * 60 * 60 * 1000


def expire(spark: Any, days: float) -> int:
    """Returns the number of files that were removed."""
    iceberg, removed = spark._jvm.org.apache.iceberg.spark, 0
    until = int(time.time() * 1000 - days * MILLISECONDS)
    for schema in filter(spark.catalog.databaseExists, SCHEMAS):
        for table in spark.sql(f"show table extended in {schema} like '*'").collect():
            if "table_type=ICEBERG" in table.information:
                loaded = iceberg.Spark3Util.loadIcebergTable(spark._jsparkSession, f"{schema}.{table.tableName}")
                result = (
                    iceberg.actions.SparkActions.get(spark._jsparkSession)
                    .expireSnapshots(loaded)
                    .expireOlderThan(until)
                    .retainLast(1)
                    .execute()
                )
                removed += result.deletedDataFilesCount()
    return removed
