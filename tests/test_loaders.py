"""What the loaders of warehouses take from a shop's files. A warehouse that is loaded has the rows that DuckDB keeps, and no others in their place."""

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
    (tmp_path / "custom_traits.csv").write_text("customer_id,trait,value,updated_at,is_deleted\na,x,1,2025-01-01 00:00,\na,y,1,2025-01-02 00:00,maybe\n")
    (tmp_path / "sessions.csv").write_text("session_id,started_at\ns,2025-01-01 00:00\ns,01/01/2025\n")
    project.dbt("run-operation", "expose_raw_files", raw_dir=tmp_path)
    with duckdb.connect(project.database) as connection:
        yield connection


def test_no_older_version_is_loaded_in_the_place_of_one_that_cannot_be_read(files):
    from raw_tables import raw_contract, rows_to_load

    contract = dict(raw_contract())
    loaded = files.execute(f"select order_id, day(updated_at) from {rows_to_load('orders', contract['orders'])} order by all").fetchall()
    assert loaded == [("deleted", 1), ("deleted", 2), ("mended", 2), ("tied", 1), ("undated", 1)]
    for table, count in (("custom_traits", 1), ("sessions", 1), ("customers", 0)):
        assert files.execute(f"select count(*) from {rows_to_load(table, contract[table])}").fetchone() == (count,)
