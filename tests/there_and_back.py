"""A shop written as another system has it, and read back by a connector, against the shop's own files."""

import duckdb
import pyarrow

from project import CompiledProject

# Where the newest version of each row stands that keeps the contract.
KEPT_IN_BASE = (
    "customers", "products", "orders", "refunds", "reviews", "marketing_spend", "custom_traits", "exchange_rates",
)  # fmt: skip
KEPT_WHERE_DELIVERED = ("order_lines", "sessions", "web_events", "email_events")


def clean_tables(sql: CompiledProject, connection: duckdb.DuckDBPyConnection) -> dict[str, pyarrow.Table]:
    """The rows of a built shop that keep the raw contract, in its columns, by table.

    connection: what sql.build returned.
    """
    tables = {}
    for table in KEPT_IN_BASE + KEPT_WHERE_DELIVERED:
        columns = [
            name
            for (name,) in connection.execute(
                "select column_name from duckdb_columns() where schema_name = 'raw' and table_name = ?"
                " and not contains(column_name, '__') and column_name <> 'loaded_at'",
                [table],
            ).fetchall()
        ]
        if table in KEPT_IN_BASE:
            kept = f"staging.base_{table} where row_status = 'kept'"
        else:
            kept = f"({sql.project.inline('{{ kept_rows(' + repr(table) + ') }}', **sql.variables)})"
        tables[table] = connection.execute(f"select {', '.join(columns)} from {kept}").to_arrow_table()
    return tables


def write_contract(tables: dict[str, pyarrow.Table], directory, *names: str) -> None:
    """Write tables as files of the raw contract, those that no connector of a test feeds."""
    import pyarrow.parquet

    directory.mkdir(parents=True, exist_ok=True)
    for name in names:
        pyarrow.parquet.write_table(tables[name], directory / f"{name}.parquet")


def segments_of(connection: duckdb.DuckDBPyConnection) -> set[tuple]:
    """(segment, customer) of all segments of a built shop."""
    return set(connection.execute("select segment, customer_id from marts.segment_memberships").fetchall())
