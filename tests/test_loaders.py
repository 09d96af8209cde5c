"""What the loaders of warehouses take from a shop's files.

A warehouse that is loaded has the rows that DuckDB keeps, and no others in their place.
"""

import duckdb
import pytest

ORDERS = """order_id,ordered_at,status,currency,updated_at,is_deleted
broken,2025-01-01 00:00,paid,EUR,2025-01-01 00:00,
broken,01/01/2025,paid,EUR,2025-01-02 00:00,
mended,01/01/2025,paid,EUR,2025-01-01 00:00,
mended,2025-01-01 00:00,paid,EUR,2025-01-02 00:00,
tied,01/01/2025,paid,EUR,2025-01-01 00:00,
tied,2025-01-01 00:00,paid,EUR,2025-01-01 00:00,
deleted,2025-01-01 00:00,paid,EUR,2025-01-01 00:00,
deleted,01/01/2025,paid,EUR,2025-01-02 00:00,true
undated,2025-01-01 00:00,paid,EUR,2025-01-01 00:00,
undated,2025-01-01 00:00,paid,EUR,02/01/2025,true
"""


@pytest.fixture
def files(project, tmp_path):
    (tmp_path / "orders.csv").write_text(ORDERS)
    (tmp_path / "customers.csv").write_text("customer_id,updated_at\n")
    (tmp_path / "products.csv").write_text("product_id,updated_at\n")
    (tmp_path / "order_lines.csv").write_text("order_line_id,order_id,quantity,unit_price,updated_at\n")
    (tmp_path / "custom_traits.csv").write_text(
        "customer_id,trait,value,updated_at,is_deleted\na,x,1,2025-01-01 00:00,\na,y,1,2025-01-02 00:00,maybe\n"
    )
    (tmp_path / "sessions.csv").write_text("session_id,started_at\ns,2025-01-01 00:00\ns,01/01/2025\n")
    project.dbt("run-operation", "expose_raw_files", raw_dir=tmp_path)
    with duckdb.connect(project.database) as connection:
        yield connection


def test_a_newest_version_that_cannot_be_read_deletes_its_key(files):
    from ecommerce_segments.engines.raw_tables import rows_to_load
    from ecommerce_segments.raw_contract import raw_contract

    contract = raw_contract()
    loaded = files.execute(
        f"select order_id, day(updated_at), is_deleted, status from {rows_to_load('orders', contract['orders'])} order"
        " by all"
    ).fetchall()
    assert loaded == [
        ("broken", 1, None, "paid"),
        ("broken", 2, True, None),
        ("deleted", 1, None, "paid"),
        ("deleted", 2, True, "paid"),
        ("mended", 2, None, "paid"),
        ("tied", 1, None, "paid"),
        ("undated", 1, None, "paid"),
    ]
    assert files.execute(
        f"select trait, value, is_deleted from {rows_to_load('custom_traits', contract['custom_traits'])} order by all"
    ).fetchall() == [("x", "1", None), ("y", None, True)]
    for table, count in (("sessions", 1), ("customers", 0)):
        assert files.execute(f"select count(*) from {rows_to_load(table, contract[table])}").fetchone() == (count,)
