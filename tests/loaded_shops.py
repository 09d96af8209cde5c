"""What the tests of engines that are loaded (PostgreSQL, Spark) ask for besides the marts, and a shop that no loader
can read to its end."""

from pathlib import Path

# A loader leaves out a row with an unreadable value, which DuckDB rejects, or loads it as a deletion.
KEPT = "select table_name, kept_rows from staging.row_counts"
REJECTED = "select table_name, row_key, reason from staging.rejected_rows where reason not like 'unreadable %'"


def write_hardly_readable_shop(directory: Path) -> None:
    """A descriptive value and a row that cannot be read, a moment east of UTC, a year before Christ, and signs that CSV
    has a use for."""
    tables = {
        "customers": "customer_id,created_at,updated_at,birth_date\n1,2025-01-01 00:00,2025-01-01 00:00,31.02.1980\n",
        "products": "product_id,updated_at\n1,0000-12-31 00:00\n",
        "orders": "order_id,ordered_at,status,currency,updated_at,discount_amount,email\n"
                  'a,2025-01-01T01:00+02:00,paid,EUR,2025-01-01 00:00,,"x ""y""\n,\\.z"\n'
                  'b,2025-01-01 00:00,paid,EUR,2025-01-01 00:00,"1,5",\n'
                  'b,2025-01-01 00:00,paid,EUR,2024-12-31 00:00,,\n',
        "order_lines": "order_line_id,order_id,quantity,unit_price,updated_at\n",
    }
    for table, text in tables.items():
        (directory / f"{table}.csv").write_text(text)


def assert_says_what_it_left_out(said: list[str]) -> None:
    assert "customers: 1 unreadable values of birth_date, such as '31.02.1980', loaded as null" in said
    assert (
        "orders: 1 unreadable values of discount_amount, such as '1,5', their rows loaded as deletions where they are"
        " the newest version, else left out"
        in said
    )
    assert {"customers: 1 rows", "orders: 3 rows", "order_lines: 0 rows", "reviews: 0 rows"} <= set(said)
