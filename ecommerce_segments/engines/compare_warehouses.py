"""Compare the marts of a DuckDB warehouse with those of another one, row by row, and print a line per table.

Usage: python -m ecommerce_segments.engines.compare_warehouses WAREHOUSE.duckdb postgres|spark

psql's variables (PGHOST, PGDATABASE, ...) name the PostgreSQL database; docs/spark.md says how to name the Spark
warehouse. Exit code 1 if a row differs.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

TABLES = """
    select table_schema, table_name from information_schema.tables
    where table_schema = 'marts' or table_name = 'row_counts' order by table_schema desc, table_name
"""
# A loader leaves out, or loads as a deletion, what DuckDB rejects or repairs as unreadable, and tells it itself: of
# these tables the other columns and rows are compared.
COMPARED_COLUMNS = {"marts.data_quality": ["table_name", "as_of_date", "kept_rows"]}
COMPARED_ROWS = {"marts.alerts": "kind <> 'rejected_share'", "marts.built_figures": "figure <> 'rejected_share'"}
NAMES = {"postgres": "PostgreSQL", "spark": "Spark"}


class SparkCursor:
    """Executes on a Spark session as PostgreSQL's cursors do. Moments come as they are in UTC."""

    def __init__(self, spark: Any):
        self.spark = spark

    def execute(self, sql: str) -> "SparkCursor":
        """Run SQL, whose rows are then fetched."""
        self.frame = self.spark.sql(sql)
        return self

    def fetchall(self) -> list[tuple]:
        # Spark hands out a moment in the time zone of whoever runs Python, but for this type.
        plain = [
            f"cast({name} as timestamp_ntz) as {name}" if kind == "timestamp" else f"`{name}`"
            for name, kind in self.frame.dtypes
        ]
        return [tuple(row) for row in self.frame.selectExpr(*plain).collect()]

    def fetchone(self) -> tuple | None:
        return next(iter(self.fetchall()), None)


def tables_of(cursor: Any) -> list[tuple[str, str]]:
    """Schema and name of all marts, and of the count of raw rows."""
    if isinstance(cursor, SparkCursor):
        # Spark has no catalog that SQL can ask.
        found = (
            cursor.execute("show tables in marts").fetchall()
            + cursor.execute("show tables in staging like 'row_counts'").fetchall()
        )
        return sorted(
            ((schema, table) for schema, table, is_temporary in found if not is_temporary),
            key=lambda row: (row[0] == "marts", row[1]),
        )
    cursor.execute(TABLES)
    return cursor.fetchall()


@contextmanager
def cursor_of(engine: str) -> Iterator[Any]:
    """A cursor of the other warehouse."""
    if engine == "spark":
        from ecommerce_segments.engines.spark_session import spark_session

        yield SparkCursor(spark_session())
    else:
        import psycopg2

        with psycopg2.connect("") as server:
            yield server.cursor()


def differing_rows(warehouse: duckdb.DuckDBPyConnection, cursor: Any, table: str) -> tuple[int, int, list[tuple]]:
    """How many rows the table has here and there, and the rows that only one of the two has, as often as it has more.
    """
    columns = ", ".join(COMPARED_COLUMNS.get(table, ["*"]))
    where = f" where {COMPARED_ROWS[table]}" if table in COMPARED_ROWS else ""
    rows = warehouse.execute(f"select {columns} from {table}{where}")
    columns = ", ".join(column for column, *_ in rows.description)
    cursor.execute(f"select {columns} from {table}{where}")
    here, there = Counter(rows.fetchall()), Counter(cursor.fetchall())
    differing = sorted(((here - there) + (there - here)).elements(), key=repr)
    return here.total(), there.total(), differing


def main() -> int:
    if len(sys.argv) != 3 or sys.argv[2] not in NAMES:
        print(__doc__, file=sys.stderr)
        return 2
    database, engine = sys.argv[1:]
    has_differences = False
    with duckdb.connect(database, read_only=True) as warehouse, cursor_of(engine) as cursor:
        tables = tables_of(warehouse)
        if tables_of(cursor) != tables:
            print(
                "The two do not hold the same tables: build the same version of the project on both.", file=sys.stderr
            )
            return 1
        print(f"{'table':<32}{'DuckDB':>9}{NAMES[engine]:>12}")
        for schema, table in tables:
            here, there, differing = differing_rows(warehouse, cursor, f"{schema}.{table}")
            has_differences = has_differences or bool(differing)
            verdict = f"{len(differing):,} rows differ, such as {differing[0][:2]}" if differing else "same rows"
            print(f"{table:<32}{here:>9,}{there:>12,}  {verdict}")
    return 1 if has_differences else 0


if __name__ == "__main__":
    sys.exit(main())
