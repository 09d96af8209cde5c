"""Compare the marts of a DuckDB warehouse with those on PostgreSQL, row by row, and print a line per table.

Usage: python tools/compare_warehouses.py WAREHOUSE.duckdb

psql's variables (PGHOST, PGDATABASE, ...) name the PostgreSQL database. Exit code 1 if a row differs.
"""

import sys
from collections import Counter

import duckdb
import psycopg2

TABLES = """
    select table_schema, table_name from information_schema.tables
    where table_schema = 'marts' or table_name = 'row_counts' order by table_schema desc, table_name
"""


def differing_rows(warehouse: duckdb.DuckDBPyConnection, cursor, table: str) -> tuple[int, int, list[tuple]]:
    """How many rows the table has here and there, and the rows that only one of the two has, as often as it has more."""
    rows = warehouse.execute(f"select * from {table}")
    columns = ", ".join(column for column, *_ in rows.description)
    cursor.execute(f"select {columns} from {table}")
    here, there = Counter(rows.fetchall()), Counter(cursor.fetchall())
    differing = sorted(((here - there) + (there - here)).elements(), key=repr)
    return here.total(), there.total(), differing


def main() -> int:
    has_differences = False
    with duckdb.connect(sys.argv[1], read_only=True) as warehouse, psycopg2.connect("") as server:
        cursor = server.cursor()
        cursor.execute(TABLES)
        tables = warehouse.execute(TABLES).fetchall()
        if cursor.fetchall() != tables:
            print("The two do not hold the same tables: build the same version of the project on both.", file=sys.stderr)
            return 1
        print(f"{'table':<32}{'DuckDB':>9}{'PostgreSQL':>12}")
        for schema, table in tables:
            here, there, differing = differing_rows(warehouse, cursor, f"{schema}.{table}")
            has_differences = has_differences or bool(differing)
            verdict = f"{len(differing):,} rows differ, such as {differing[0][:2]}" if differing else "same rows"
            print(f"{table:<32}{here:>9,}{there:>12,}  {verdict}")
    return 1 if has_differences else 0


if __name__ == "__main__":
    sys.exit(main())
