"""Several systems that feed one shop, a connector of one's own, and a table that no loader has landed."""

import csv
import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

import test_shopify
from connected_shops import ConnectedProject
from project import PROJECT, messages
from test_commands import Terminal
from test_ga4 import event

# One worker runs them all, so that the shops are built once.
pytestmark = pytest.mark.xdist_group("connected_shops")

GUIDE = (PROJECT / "docs" / "connectors.md").read_text()
FILES_OF_THE_GUIDE = dict(re.findall(r"```\w+\n(?:--|#) (models/connectors/pos/\S+)\n(.*?)```", GUIDE, re.DOTALL))

AT = "2026-05-01 10:00:00"


@pytest.fixture(scope="module")
def connected(tmp_path_factory):
    """Two shops of Shopify, whose visits Google Analytics measures."""
    entries = {"shopify": {}, "shopify_us": {"connector": "shopify"}, "ga4": {}}
    return ConnectedProject(write(tmp_path_factory.mktemp("connected")), entries, as_of_date="2026-05-03")


def write(shop: Path) -> Path:
    """Write two shops with the same ids and one person in both, whose American order is of 60; two visits to the first
    one; and a review in the contract's own form. Returns the directory of the shop."""
    for entry, email, price in (("shopify", "ann@example.com", 10), ("shopify_us", "Ann@Example.com ", 30)):
        test_shopify.write(
            shop,
            entry,
            customer=[{"id": 1, "email": email, "created_at": "2025-01-01 10:00:00", "updated_at": AT}],
            order=[test_shopify.order(17, str(2 * price), customer_id=1, email=email)],
            order_line=[test_shopify.line(5, 17, 2, price)],
            product=[{"id": 3, "title": "Shirt", "product_type": "shirts", "updated_at": AT}],
            product_variant=[{"id": 30, "product_id": 3, "price": price, "updated_at": AT}],
        )
    review = {"review_id": 1, "customer_id": 1, "order_id": 17, "product_id": 30, "rating": 5, "reviewed_at": AT}
    write_table(shop, "reviews", review)
    visits = [
        event("view_item", "2026-05-02T12:00", items=["3"], user_id="1"),
        event("view_item", "2026-05-02T12:00", "3.4", items=["30"], user_id="nobody"),
    ]
    (shop / "ga4").mkdir()
    (shop / "ga4" / "events_20260502.json").write_text("\n".join(map(json.dumps, visits)))
    return shop


def write_table(directory: Path, name: str, *rows: dict) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / f"{name}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def built(connected):
    with connected.build(connected.project.directory) as connection:
        yield connection


def test_two_shops_with_the_same_ids_stay_apart_and_a_person_in_both_is_one_customer(connected, built):
    assert connected.whole.failing_tests(built) == []
    assert built.execute("""
        select order_id, customer_id, net_revenue from intermediate.int_purchases order by all
    """).fetchall() == [("17", "1", Decimal(20)), ("shopify_us:17", "1", Decimal(60))]
    assert built.execute("select account_id, customer_id from marts.customer_accounts order by all").fetchall() == [
        ("1", "1"), ("shopify_us:1", "1"),
    ]  # fmt: skip
    assert built.execute("select customer_id, purchase_count, net_revenue from marts.customers").fetchall() == [
        ("1", 2, Decimal(80))
    ]
    assert built.execute("select product_id, order_line_id from staging.stg_order_lines order by all").fetchall() == [
        ("30", "5"), ("shopify_us:30", "shopify_us:5"),
    ]  # fmt: skip


def test_the_shops_own_files_stand_beside(built):
    assert built.execute("select customer_id, last_review_rating from marts.customers").fetchall() == [("1", 5)]


def test_visits_of_another_system_meet_customers_by_the_id_that_it_was_told(built):
    """GA4 names a product where the shop has its variant."""
    assert built.execute("select customer_id, sessions_30d from marts.customers").fetchall() == [("1", 1)]
    assert built.execute("select product_id from staging.stg_web_events").fetchall() == [("30",), ("30",)]


def test_a_table_that_is_needed_and_not_there_is_named_in_one_sentence(connected, tmp_path):
    shop = write(tmp_path)
    (shop / "shopify_us" / "order_line.csv").unlink()
    refused = connected.project.attempt("seed", raw_dir=shop, **connected.variables)
    assert re.search(
        r"The connector shopify_us needs the table order_line: neither order_line.parquet, order_line.csv, .* is in"
        rf" {shop}/shopify_us \(docs/connectors.md\)",
        messages(refused),
    )


def test_a_connector_of_ones_own_is_a_folder(tmp_path):
    """The example of the guide, by the command; without its sales a run ends with a sentence."""
    terminal = Terminal(tmp_path / "project")
    assert {Path(name).name for name in FILES_OF_THE_GUIDE} == {"_pos.yml", "pos__order_lines.sql", "pos__orders.sql"}
    for name, text in FILES_OF_THE_GUIDE.items():
        (terminal.root / name).parent.mkdir(exist_ok=True)
        (terminal.root / name).write_text(text)
    shop = tmp_path / "shop"
    write_table(shop / "raw", "customers", {"customer_id": "c1", "email": "ann@example.com", "updated_at": AT})
    write_table(shop / "raw", "products", {"product_id": "p1", "price": "3.5", "updated_at": AT})
    item = {"sale_id": 7, "sku": "p1", "quantity": 2, "price": "3.50"}
    write_table(shop / "till", "Sale_Item", item | {"place": 1}, item | {"place": 2})
    options = "--connector pos=till --raw-dir raw --warehouse shop.duckdb --published seen --set as_of_date=2026-05-03"
    looked = terminal.run(f"segments doctor {options}", directory=shop)
    assert "! The connector pos needs sale in till (docs/connectors.md)." in looked.stdout.splitlines()
    refused = terminal.run(f"segments run {options}", directory=shop)
    assert refused.returncode == 2
    assert re.fullmatch(
        r"Not published: The connector pos needs the table sale: neither sale.parquet, .* is in .*/shop/till"
        r" \(docs/connectors.md\). Nothing was published before either.\n",
        refused.stderr,
    )
    write_table(shop / "till", "sale", {"sale_id": 7, "card_id": "c1", "paid_at": AT, "currency": "EUR"})
    assert "  connector pos reads till: Sale_Item.csv, sale.csv" in terminal.run(
        f"segments doctor {options}", directory=shop
    ).stdout.splitlines()
    assert terminal.run(f"segments run {options}", directory=shop).returncode == 0
    with duckdb.connect(shop / "seen" / "current" / "shop.duckdb", read_only=True) as published:
        assert published.execute(
            "select order_id, customer_id, purchased_on, net_revenue from marts.purchases"
        ).fetchall() == [("7", "c1", date(2026, 5, 1), Decimal(14))]
