"""Shopify as Fivetran lands it, by both of its APIs, against rows worked out by hand; whole shops there and back."""

import csv
import shutil
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from connected_shops import ConnectedProject, rows
from project import PROJECT
from random_shops import CUSTOM_TRAITS, random_shop, write_shop
from sample_data.sources import shopify
from there_and_back import clean_tables, segments_of, write_contract

REVENUE = "shopify_revenue_reconciles"
REQUIRED = {
    "order": "id updated_at financial_status currency".split(),
    "order_line": "id order_id quantity".split(),
    "customer": "id updated_at".split(),
    "product": ["id"],
    "product_variant": "id product_id".split(),
}


@pytest.fixture(scope="module")
def connected(tmp_path_factory):
    return ConnectedProject(
        tmp_path_factory.mktemp("shopify"), {"shopify": {}, "shopify_us": {"connector": "shopify", "id_prefix": "us-"}}
    )


def write(directory: Path, entry: str = "shopify", **tables: list[dict]) -> Path:
    """Write the files of an entry, and those that the other needs at least. Returns the directory of the shop."""
    for name in ("shopify", "shopify_us"):
        (directory / name).mkdir(exist_ok=True)
        for table, columns in REQUIRED.items():
            if not (directory / name / f"{table}.csv").exists():
                (directory / name / f"{table}.csv").write_text(",".join(columns))
    for table, table_rows in tables.items():
        columns = list(dict.fromkeys([*REQUIRED.get(table, []), *(column for row in table_rows for column in row)]))
        with (directory / entry / f"{table}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(table_rows)
    return directory


def order(number: int, subtotal: str, **values: object) -> dict:
    """An order of Shopify by REST."""
    return {
        "id": number,
        "email": "ann@example.com",
        "processed_at": "2026-05-01 10:00:00",
        "created_at": "2026-05-01 10:00:01",
        "updated_at": "2026-05-02 10:00:00",
        "financial_status": "paid",
        "currency": "EUR",
        "subtotal_price": subtotal,
        "taxes_included": "FALSE",
    } | values


def line(number: int, order_id: int, quantity: object, price: object, **values: object) -> dict:
    """A line of an order of Shopify by REST."""
    return {"id": number, "order_id": order_id, "variant_id": 30, "quantity": quantity, "price": price} | values


def amounts(connection, model: str, *columns: str) -> list[tuple]:
    """Rows of a model, with numbers as texts without zeros at their ends."""
    return [
        tuple(f"{value.normalize():f}" if isinstance(value, Decimal) else value for value in row)
        for row in rows(connection, model, *columns)
    ]


def test_discounts_are_those_on_goods_and_count_once(connected, tmp_path):
    """Order 1: a code of the whole order, which total_discount misses, and 5 off the shipping. Order 2: none."""
    shop = write(
        tmp_path,
        order=[order(1, "70", total_discounts="35"), order(2, "20")],
        order_line=[line(11, 1, 2, "25", total_discount="10"), line(12, 1, 1, "50"), line(21, 2, 2, "10.00")],
        discount_allocation=[
            {"order_line_id": 11, "amount": "10"},
            {"order_line_id": 11, "amount": "8"},
            {"order_line_id": 12, "amount": "12"},
        ],
        order_discount_code=[
            {"order_id": 1, "index": 0, "code": "FREESHIP", "type": "shipping"},
            {"order_id": 1, "index": 2, "code": "LATER", "type": "fixed_amount"},
            {"order_id": 1, "index": 1, "code": "SPRING", "type": "percentage"},
        ],
    )
    connection = connected.read(shop)
    assert amounts(
        connection, "shopify__order_lines", "order_line_id", "quantity", "unit_price", "discount_amount"
    ) == [
        ("11", "2", "25", "18"),
        ("12", "1", "50", "12"),
        ("21", "2", "10", "0"),
    ]
    assert amounts(connection, "shopify__orders", "order_id", "discount_amount", "discount_code") == [
        ("1", "0", "SPRING"),
        ("2", "0", None),
    ]


def test_an_order_discount_that_no_line_has_is_the_orders(connected, tmp_path):
    """Two of 2.80 for 2.80, as a loader's sample has it without allocations: the other entry's do not count here."""
    shop = write(tmp_path, order=[order(1, "2.8")], order_line=[line(11, 1, 2, "2.8", total_discount="0")])
    write(
        tmp_path,
        "shopify_us",
        order=[order(1, "2")],
        order_line=[line(11, 1, 1, "3")],
        discount_allocation=[{"order_line_id": 11, "amount": "1"}],
    )
    connection = connected.read(shop)
    assert amounts(connection, "shopify__orders", "order_id", "discount_amount") == [("1", "2.8"), ("us-1", "0")]
    assert amounts(
        connection, "shopify__order_lines", "order_line_id", "order_id", "product_id", "discount_amount"
    ) == [
        ("11", "1", "30", "0"),
        ("us-11", "us-1", "us-30", "1"),
    ]


def test_status_and_test_and_time_of_an_order(connected, tmp_path):
    cases = [
        ({"financial_status": "paid"}, "paid"),
        ({"financial_status": "PAID", "fulfillment_status": "FULFILLED"}, "fulfilled"),
        ({"financial_status": "paid", "fulfillment_status": "partial"}, "paid"),
        ({"financial_status": "refunded", "fulfillment_status": "fulfilled"}, "fulfilled"),
        ({"financial_status": "partially_refunded"}, "paid"),
        ({"financial_status": "authorized"}, "pending"),
        ({"financial_status": "pending"}, "pending"),
        ({"financial_status": "partially_paid"}, "pending"),
        ({"financial_status": "voided"}, "cancelled"),
        ({"financial_status": "EXPIRED"}, "cancelled"),
        ({"financial_status": "paid", "cancelled_at": "2026-05-01 11:00:00"}, "cancelled"),
        ({"financial_status": "paid", "_fivetran_deleted": "TRUE"}, "cancelled"),
        ({"financial_status": "in_doubt"}, "in_doubt"),
    ]
    shop = write(tmp_path, order=[order(100 + number, "0", **values) for number, (values, _) in enumerate(cases)])
    assert [
        row[0]
        for row in sorted(
            connected.read(shop).execute("select status, order_id from connectors.shopify__orders").fetchall(),
            key=lambda row: row[1],
        )
    ] == [status for _, status in cases]


def test_imported_test_and_delivered_orders(connected, tmp_path):
    """The import is later than the order. A draft is another table's, which nobody reads."""
    shop = write(
        tmp_path,
        order=[
            order(1, "0", processed_at="2019-03-01 12:00:00", created_at="2026-05-01 10:00:00", test="TRUE"),
            order(2, "0", processed_at=""),
        ],
        draft_order=[{"id": 3, "status": "open"}],
        fulfillment=[{"id": 7, "order_id": 2}, {"id": 8, "order_id": 2}],
        fulfillment_event=[
            {"fulfillment_id": 7, "status": "in_transit", "happened_at": "2026-05-09 10:00:00"},
            {"fulfillment_id": 7, "status": "delivered", "happened_at": "2026-05-03 10:00:00"},
            {"fulfillment_id": 8, "status": "DELIVERED", "happened_at": "2026-05-04 10:00:00"},
            {
                "fulfillment_id": 8,
                "status": "delivered",
                "happened_at": "2026-05-08 10:00:00",
                "_fivetran_deleted": "true",
            },
        ],
    )
    assert rows(connected.read(shop), "shopify__orders", "order_id", "ordered_at", "is_test", "delivered_at") == [
        ("1", datetime(2019, 3, 1, 12), True, None),
        ("2", datetime(2026, 5, 1, 10, 0, 1), False, datetime(2026, 5, 4, 10)),
    ]


def test_gift_cards_are_no_sale(connected, tmp_path):
    """The card of 50 is left out, sold and given back; goods of 20 paid with one are a sale like any other."""
    shop = write(
        tmp_path,
        order=[order(1, "70", financial_status="partially_refunded")],
        order_line=[line(11, 1, 1, "20"), line(12, 1, 1, "50", gift_card="true", variant_id=31)],
        product_variant=[{"id": 30, "product_id": 3, "title": "Default Title"}, {"id": 31, "product_id": 4}],
        refund=[{"id": 5, "order_id": 1, "processed_at": "2026-05-03 10:00:00"}],
        order_line_refund=[{"id": 51, "refund_id": 5, "order_line_id": 12, "subtotal": "50"}],
    )
    connection = connected.read(shop)
    assert amounts(connection, "shopify__orders", "order_id", "discount_amount") == [("1", "0")]
    assert rows(connection, "shopify__order_lines", "order_line_id") == [("11",)]
    assert rows(connection, "shopify__refunds", "refund_id") == []
    assert rows(connection, "shopify__products", "product_id", "is_gift_card") == [("30", False), ("31", True)]
    assert rows(connection, "left_out_rows", "table_name", "reason", "left_out_rows") == [
        ("order_lines", "a gift card was sold", 1),
        ("refunds", "a gift card was given back", 1),
    ]


def test_refunds_without_shipping_tax_and_what_went_back_less(connected, tmp_path):
    """Refund 5: lines of 10, 10 and 10 with 20.00 back, 6.67, 6.67, 6.66 of it; 4.90 of shipping and the tax aside.
    Refund 6: 3 more went back than the line of 7 cost. Refund 7: put back into stock. Refund 8: 2.50 without a line.
    Refund 9: shipping alone."""
    moment = "2026-05-03 10:00:00"
    shop = write(
        tmp_path,
        order=[order(1, "37", financial_status="partially_refunded")],
        order_line=[line(number, 1, 1, "10") for number in (11, 12, 13)] + [line(14, 1, 1, "7")],
        refund=[
            {
                "id": number,
                "order_id": 1,
                "processed_at": moment if number != 6 else "",
                "created_at": "2026-05-04 10:00:00",
                "note": "too small",
            }
            for number in range(5, 10)
        ],
        order_line_refund=[
            {"id": 51, "refund_id": 5, "order_line_id": 11, "subtotal": "10", "total_tax": "1.9"},
            {"id": 52, "refund_id": 5, "order_line_id": 12, "subtotal": "10", "total_tax": "1.9"},
            {"id": 53, "refund_id": 5, "order_line_id": 13, "subtotal": "10", "total_tax": "1.9"},
            {"id": 61, "refund_id": 6, "order_line_id": 14, "subtotal": "7"},
            {"id": 71, "refund_id": 7, "order_line_id": 14, "subtotal": "0"},
        ],
        order_adjustment=[
            {"id": 1, "refund_id": 5, "kind": "refund_discrepancy", "amount": "10"},
            {"id": 2, "refund_id": 5, "kind": "shipping_refund", "amount": "-4.9", "tax_amount": "-0.93"},
            {"id": 3, "refund_id": 6, "kind": "refund_discrepancy", "amount": "-3"},
            {"id": 4, "refund_id": 8, "kind": "refund_discrepancy", "amount": "-2.5"},
            {"id": 5, "refund_id": 9, "kind": "shipping_refund", "amount": "-4.9"},
        ],
        # A sale and its capture are no refund, and add nothing to anything.
        transaction=[
            {"id": 1, "order_id": 1, "kind": kind, "status": "success", "amount": "37"} for kind in ("sale", "capture")
        ],
    )
    connection = connected.read(shop)
    assert amounts(connection, "shopify__refunds", "refund_id", "order_line_id", "amount", "refunded_at", "reason") == [
        ("51", "11", "6.67", datetime(2026, 5, 3, 10), "too small"),
        ("52", "12", "6.67", datetime(2026, 5, 3, 10), "too small"),
        ("53", "13", "6.66", datetime(2026, 5, 3, 10), "too small"),
        ("61", "14", "10", datetime(2026, 5, 4, 10), "too small"),
        ("adjustment:8", None, "2.5", datetime(2026, 5, 3, 10), "too small"),
    ]
    assert rows(connection, "left_out_rows", "reason", "left_out_rows") == [
        ("no money went back, as where goods are only put back into stock", 1),
        ("shipping was refunded", 2),
    ]


def test_an_order_that_was_edited_later(connected, tmp_path):
    """One of two shirts was taken off before it was sent: it stays ordered, and is a refund."""
    shop = write(
        tmp_path,
        order=[order(1, "20", current_subtotal_price="10")],
        order_line=[line(11, 1, 2, "10", current_quantity=1)],
        refund=[{"id": 5, "order_id": 1, "created_at": "2026-05-03 10:00:00"}],
        order_line_refund=[
            {"id": 51, "refund_id": 5, "order_line_id": 11, "quantity": 1, "restock_type": "cancel", "subtotal": "10"}
        ],
    )
    connection = connected.read(shop)
    assert amounts(connection, "shopify__orders", "discount_amount") == [("0",)]
    assert amounts(connection, "shopify__order_lines", "quantity", "unit_price") == [("2", "10")]
    assert amounts(connection, "shopify__refunds", "order_line_id", "amount") == [("11", "10")]


def test_a_row_that_was_landed_twice_counts_once_as_its_newest_version(connected, tmp_path):
    """A line of 50 with 5 off is paid with 45, of which 9 are tax: it is 40 less 4. Of its refund, 10 of 45 are kept
    back: 35, without tax 28."""
    shop = write(
        tmp_path,
        customer=[
            {"id": 5, "email": "new@example.com", "updated_at": "2026-05-02", "accepts_marketing": "false"},
            {"id": 5, "email": "old@example.com", "updated_at": "2026-05-01", "accepts_marketing": "true"},
        ],
        order=[
            order(1, "45", taxes_included="true", updated_at="2026-05-04 10:00:00"),
            order(1, "20", taxes_included="false", updated_at="2026-05-03 10:00:00"),
        ],
        order_line=[line(11, 1, 1, "50")] * 2,
        discount_allocation=[{"order_line_id": 11, "index": 0, "amount": "5"}] * 2,
        tax_line=[{"order_line_id": 11, "index": n, "price": price} for n, price in ((0, "6"), (1, "3"))] * 2,
        refund=[{"id": 9, "order_id": 1, "created_at": "2026-05-04 10:00:00"}] * 2,
        order_line_refund=[{"id": 91, "refund_id": 9, "order_line_id": 11, "subtotal": "45", "total_tax": "9"}] * 2,
        order_adjustment=[{"id": 92, "refund_id": 9, "kind": "refund_discrepancy", "amount": "10"}] * 2,
    )
    connection = connected.read(shop)
    assert amounts(connection, "shopify__order_lines", "order_line_id", "unit_price", "discount_amount") == [
        ("11", "40", "4")
    ]
    assert set(amounts(connection, "shopify__orders", "order_id", "discount_amount")) == {("1", "0")}
    assert set(amounts(connection, "shopify__refunds", "refund_id", "amount")) == {("91", "28")}
    assert rows(connection, "shopify__customers", "customer_id", "email", "email_consent") == [
        ("5", "new@example.com", "never")
    ]


def test_tax_in_prices(connected, tmp_path):
    """Order 1, 19 % in it: 3 x 19.99 = 59.97 hold 9.57, so 50.40 and 16.80 each; one goes back. 2 x 10.99 less 2.00
    hold 3.19, so 16.79: 10.99 x 16.79 / 19.98 = 9.235340... each and the rest of 2 x 9.23534 - 16.79 = 1.68068 is the
    discount. Order 2 is of one for 10.00 with 1.60 in it. Order 3 is of an export, and its prices hold none."""
    shop = write(
        tmp_path,
        order=[order(1, "79.95", taxes_included="true"), order(2, "10", taxes_included="true"), order(3, "59.97")],
        order_line=[
            line(11, 1, 3, "19.99"),
            line(12, 1, 2, "10.99"),
            line(21, 2, 1, "10", variant_id="", product_id=3),
            line(31, 3, 3, "19.99"),
        ],
        discount_allocation=[{"order_line_id": 12, "amount": "2.00"}],
        tax_line=[
            {"order_line_id": 11, "price": "9.00"},
            {"order_line_id": 11, "price": "0.57"},
            {"order_line_id": 12, "price": "3.19"},
            {"order_line_id": 21, "price": "1.60"},
            {"order_line_id": 31, "price": "5"},
        ],
        refund=[
            {"id": 5, "order_id": 1, "created_at": "2026-05-03 10:00:00"},
            {"id": 6, "order_id": 1, "created_at": "2026-05-03 10:00:00"},
        ],
        order_line_refund=[
            {"id": 51, "refund_id": 5, "order_line_id": 11, "subtotal": "19.99", "total_tax": "3.19"},
            {"id": 61, "refund_id": 6, "order_line_id": 12, "subtotal": "19.98", "total_tax": "3.19"},
        ],
        transaction=[{"refund_id": 5, "kind": "refund", "status": "success", "amount": "19.99", "currency": "EUR"}],
    )
    connection = connected.read(shop)
    assert amounts(
        connection, "shopify__order_lines", "order_line_id", "product_id", "unit_price", "discount_amount"
    ) == [
        ("11", "30", "16.8", "0"),
        ("12", "30", "9.23534", "1.68068"),
        ("21", "3", "8.4", "0"),
        ("31", "30", "19.99", "0"),
    ]
    assert amounts(connection, "shopify__refunds", "refund_id", "amount") == [("51", "16.8"), ("61", "16.79")]


def test_a_full_refund_gives_back_all_that_a_line_cost(connected, tmp_path):
    """3 for 59.96 with tax of 9.57: 50.39 / 3 = 16.796666..., which rounded up would be 50.390001 in all."""
    shop = write(
        tmp_path,
        order=[order(1, "59.96", currency_code="EUR", taxes_included="true")],
        order_line=[{"id": 11, "order_id": 1, "quantity": 3, "original_total_set_shop_amount": "59.96"}],
        order_line_tax_line=[{"order_line_id": 11, "price_set_shop_amount": "9.57"}],
        refund=[{"id": 5, "order_id": 1, "created_at": "2026-05-03 10:00:00"}],
        refund_line_item=[{"id": 51, "refund_id": 5, "order_line_id": 11, "subtotal_set_shop_amount": "59.96"}],
    )
    connection = connected.read(shop)
    assert amounts(connection, "shopify__order_lines", "unit_price", "discount_amount") == [("16.796666", "0")]
    assert amounts(connection, "shopify__refunds", "amount") == [("50.39",)]


def test_money_that_went_back_tells_whether_subtotals_hold_tax(connected, tmp_path):
    """11.90 went back for a line of 10.00 with tax of 1.90: so 10.00 holds none, though the order's prices do."""
    shop = write(
        tmp_path,
        order=[order(1, "11.90", taxes_included="true")],
        order_line=[line(11, 1, 1, "11.90")],
        tax_line=[{"order_line_id": 11, "price": "1.90"}],
        refund=[{"id": 5, "order_id": 1, "created_at": "2026-05-03 10:00:00"}],
        order_line_refund=[{"id": 51, "refund_id": 5, "order_line_id": 11, "subtotal": "10", "total_tax": "1.9"}],
        transaction=[
            {"refund_id": 5, "kind": "refund", "status": "failure", "amount": "10", "currency": "EUR"},
            {"refund_id": 5, "kind": "refund", "status": "success", "amount": "11.90", "currency": "EUR"},
        ],
    )
    assert amounts(connected.read(shop), "shopify__refunds", "amount") == [("10",)]


def test_what_graphql_calls_otherwise(connected, tmp_path):
    """The same facts by the other API, in other names and upper case; what the customer saw in dollars is not asked."""
    shop = write(
        tmp_path,
        order=[
            {
                "id": 1,
                "updated_at": "2026-05-02 10:00:00",
                "display_financial_status": "PARTIALLY_REFUNDED",
                "currency_code": "EUR",
                "display_fulfillment_status": "FULFILLED",
                "created_at": "2026-05-01 10:00:00",
                "subtotal_price_set_shop_amount": "27",
                "subtotal_price_set_pres_amount": "31",
                "taxes_included": "false",
                "customer_id": 9,
            }
        ],
        order_line=[
            {
                "id": 11,
                "order_id": 1,
                "variant_id": 30,
                "quantity": 3,
                "original_total_set_shop_amount": "30",
                "original_total_set_pres_amount": "34",
                "total_discount_set_shop_amount": "0",
                "is_gift_card": "false",
            },
            {"id": 12, "order_id": 1, "quantity": 0, "original_total_set_shop_amount": "0"},
        ],
        discount_allocation=[
            {"order_line_id": 11, "allocated_amount_set_shop_amount": "3", "allocated_amount_set_pres_amount": "4"}
        ],
        refund=[{"id": 5, "order_id": 1, "created_at": "2026-05-03 10:00:00", "updated_at": "2026-05-04 10:00:00"}],
        refund_line_item=[
            {
                "id": 51,
                "refund_id": 5,
                "order_line_id": 11,
                "subtotal_set_shop_amount": "9",
                "subtotal_set_pres_amount": "10",
            }
        ],
        order_adjustment=[{"id": 1, "refund_id": 5, "amount_set_shop_amount": "1", "reason": "DAMAGE"}],
        customer=[
            {
                "id": 9,
                "email": "ann@example.com",
                "state": "ENABLED",
                "email_marketing_consent_state": "SUBSCRIBED",
                "email_marketing_consent_updated_at": "2026-01-01 10:00:00",
                "updated_at": "2026-05-02 10:00:00",
            }
        ],
    )
    orders = shop / "shopify" / "order.csv"  # by GraphQL it has no such columns at all
    header, *values = csv.reader(orders.open())
    kept = [at for at, column in enumerate(header) if column not in ("financial_status", "currency")]
    orders.write_text("\n".join(",".join(row[at] for at in kept) for row in [header, *values]))
    connection = connected.read(shop)
    assert rows(connection, "shopify__orders", "order_id", "customer_id", "status", "currency") == [
        ("1", "9", "fulfilled", "EUR")
    ]
    assert amounts(connection, "shopify__orders", "discount_amount") == [("0",)]
    assert amounts(connection, "shopify__order_lines", "order_line_id", "unit_price", "discount_amount") == [
        ("11", "10", "3"),
        ("12", "0", "0"),
    ]
    assert amounts(connection, "shopify__refunds", "refund_id", "amount", "updated_at") == [
        ("51", "8", datetime(2026, 5, 4, 10)),
    ]
    assert rows(connection, "shopify__customers", "email_consent", "email_consent_at") == [
        ("subscribed", datetime(2026, 1, 1, 10)),
    ]


def test_accounts_of_guest_checkouts_are_one(connected, tmp_path):
    """Of three accounts of Ann without login the newest stands for them; one with a login stays. Bob's was redacted."""
    shop = write(
        tmp_path,
        customer=[
            {
                "id": 1,
                "email": "Ann@example.com",
                "state": "disabled",
                "created_at": "2026-01-01 10:00:00",
                "updated_at": "2026-01-09 10:00:00",
            },
            {
                "id": 2,
                "email": "ann@example.com",
                "state": "invited",
                "created_at": "2026-03-01 10:00:00",
                "updated_at": "2026-03-01 10:00:00",
            },
            {
                "id": 3,
                "email": "ann@example.com",
                "state": "disabled",
                "created_at": "2026-02-01 10:00:00",
                "updated_at": "2026-04-01 10:00:00",
            },
            {
                "id": 4,
                "email": "ann@example.com",
                "state": "enabled",
                "created_at": "2026-02-02 10:00:00",
                "updated_at": "2026-04-01 10:00:00",
            },
            {
                "id": 5,
                "email": "bob@example.com",
                "phone": "+4917012345678",
                "first_name": "Bob",
                "last_name": "B",
                "state": "disabled",
                "email_marketing_consent_state": "redacted",
                "created_at": "2026-02-02 10:00:00",
                "updated_at": "2026-04-01 10:00:00",
            },
            {"id": 6, "state": "disabled", "created_at": "2026-02-02 10:00:00", "updated_at": "2026-04-01 10:00:00"},
        ],
        order=[order(number, "0", customer_id=number, email=f"{number}@example.com") for number in (1, 2, 3, 4, 5, 7)],
    )
    write(
        tmp_path,
        "shopify_us",
        customer=[
            {
                "id": 2,
                "email": "ann@example.com",
                "state": "disabled",
                "created_at": "2026-09-01 10:00:00",
                "updated_at": "2026-09-01 10:00:00",
            }
        ],
    )
    connection = connected.read(shop)
    assert rows(
        connection, "shopify__customers", "customer_id", "email", "phone", "first_name", "last_name", "email_consent"
    ) == [
        ("2", "ann@example.com", None, None, None, "never"),
        ("4", "ann@example.com", None, None, None, "never"),
        ("5", None, None, None, None, "never"),
        ("6", None, None, None, None, "never"),
        ("us-2", "ann@example.com", None, None, None, "never"),
    ]
    assert rows(connection, "shopify__orders", "order_id", "customer_id", "email") == [
        ("1", "2", "1@example.com"),
        ("2", "2", "2@example.com"),
        ("3", "2", "3@example.com"),
        ("4", "4", "4@example.com"),
        ("5", "5", None),
        ("7", "7", "7@example.com"),
    ]
    assert rows(connection, "left_out_rows", "table_name", "left_out_rows") == [("customers", 2)]


def test_consents(connected, tmp_path):
    asked, before = "2026-01-01 10:00:00", "2025-01-01 10:00:00"
    cases = [
        ("subscribed", "", "subscribed", datetime(2026, 1, 1, 10)),
        ("UNSUBSCRIBED", "true", "unsubscribed", datetime(2026, 1, 1, 10)),
        ("not_subscribed", "true", "never", None),
        ("pending", "", "never", None),
        ("invalid", "", "never", None),
        ("", "true", "subscribed", datetime(2025, 1, 1, 10)),
        ("", "false", "never", None),
        ("", "", "never", None),
    ]
    shop = write(
        tmp_path,
        customer=[
            {
                "id": number,
                "state": "enabled",
                "updated_at": "2026-05-01 10:00:00",
                "email_marketing_consent_state": state,
                "email_marketing_consent_consent_updated_at": asked if state else "",
                "accepts_marketing": former,
                "accepts_marketing_updated_at": before,
                "sms_marketing_consent_state": state,
                "sms_marketing_consent_consent_updated_at": asked,
            }
            for number, (state, former, _, _) in enumerate(cases)
        ],
    )
    connection = connected.read(shop)
    assert rows(connection, "shopify__customers", "customer_id", "email_consent", "email_consent_at") == [
        (str(number), consent, at) for number, (_, _, consent, at) in enumerate(cases)
    ]
    assert rows(connection, "shopify__customers", "customer_id", "sms_consent", "sms_consent_at") == [
        (str(number), consent if state else "never", at if state else None)
        for number, (state, _, consent, at) in enumerate(cases)
    ]


def test_addresses(connected, tmp_path):
    """1: the default address by the account, 2: by itself, 3: none, so where the newest order went."""
    shop = write(
        tmp_path,
        customer=[
            {"id": number, "state": "enabled", "default_address_id": address, "updated_at": "2026-05-01 10:00:00"}
            for number, address in ((1, 12), (2, ""), (3, ""), (4, ""))
        ],
        customer_address=[
            {"id": 11, "customer_id": 1, "city": "Bonn", "country_code": "DE", "zip": "53111"},
            {"id": 12, "customer_id": 1, "city": "Lyon", "country_code": "FR", "zip": "69001"},
            {"id": 21, "customer_id": 2, "city": "Rome", "country_code": "IT", "zip": "", "is_default": "true"},
            {"id": 31, "customer_id": 3, "city": "Oslo", "country_code": "NO", "zip": "1", "is_default": "false"},
        ],
        order=[
            order(
                1,
                "0",
                customer_id=3,
                shipping_address_city="Graz",
                shipping_address_country_code="AT",
                shipping_address_zip="8010",
            ),
            order(
                2,
                "0",
                customer_id=3,
                processed_at="2025-01-01 10:00:00",
                shipping_address_city="Linz",
                shipping_address_country_code="AT",
            ),
            order(3, "0", customer_id=1, shipping_address_city="Linz", shipping_address_country_code="AT"),
        ],
    )
    assert rows(connected.read(shop), "shopify__customers", "customer_id", "country_code", "city", "postal_code") == [
        ("1", "FR", "Lyon", "69001"),
        ("2", "IT", "Rome", None),
        ("3", "AT", "Graz", "8010"),
        ("4", None, None, None),
    ]


def test_products_are_variants(connected, tmp_path):
    """Product 4 has lost its variants, and a line names it alone; 5 was never sold. No cost in dollars is taken."""
    shop = write(
        tmp_path,
        product=[
            {
                "id": 3,
                "title": "Shirt",
                "product_type": "Tops",
                "updated_at": "2026-05-09 10:00:00",
                "_fivetran_deleted": "true",
            },
            {"id": 4, "title": "Cap", "product_type": " ", "updated_at": "2026-05-01 10:00:00"},
            {"id": 5, "title": "Sock", "product_type": "Socks", "updated_at": "2026-05-01 10:00:00"},
        ],
        product_variant=[
            {
                "id": 32,
                "product_id": 3,
                "title": "Red / L",
                "price": "12.5",
                "sku": "SH-L",
                "position": 2,
                "inventory_item_id": 72,
                "updated_at": "2026-05-02 10:00:00",
            },
            {
                "id": 31,
                "product_id": 3,
                "title": "Default Title",
                "price": "11",
                "sku": "SH",
                "position": 1,
                "inventory_item_id": 71,
                "updated_at": "2026-05-02 10:00:00",
            },
        ],
        inventory_item=[
            {
                "id": 71,
                "unit_cost_amount": "4.2",
                "unit_cost_currency_code": "EUR",
                "updated_at": "2026-05-10 10:00:00",
            },
            {
                "id": 72,
                "unit_cost_amount": "4.2",
                "unit_cost_currency_code": "USD",
                "updated_at": "2026-05-01 10:00:00",
            },
        ],
        order=[order(1, "1")],
        order_line=[line(11, 1, 1, "1", variant_id="", product_id=4), line(12, 1, 0, "1", variant_id=31, product_id=3)],
    )
    write(  # a shop in dollars, whose loader has `cost`
        tmp_path,
        "shopify_us",
        product=[{"id": 3, "title": "Shirt", "updated_at": "2026-05-09 10:00:00"}],
        product_variant=[{"id": 31, "product_id": 3, "price": "11", "sku": "SH", "inventory_item_id": 71}],
        inventory_item=[{"id": 71, "cost": "4.2"}],
        shop=[{"id": 1, "currency_code": "USD"}],
    )
    connection = connected.read(shop)
    assert amounts(
        connection, "shopify__products", "product_id", "product_name", "category", "price", "unit_cost", "updated_at"
    ) == [
        ("31", "Shirt", "Tops", "11", "4.2", datetime(2026, 5, 10, 10)),
        ("32", "Shirt - Red / L", "Tops", "12.5", None, datetime(2026, 5, 9, 10)),
        ("4", "Cap", None, None, None, datetime(2026, 5, 1, 10)),
        ("us-31", "Shirt", None, None, None, datetime(2026, 5, 9, 10)),
    ]
    assert rows(connection, "product_keys", "product_key", "product_id") == [
        ("3", "31"),
        ("31", "31"),
        ("32", "32"),
        ("SH", "31"),
        ("SH-L", "32"),
    ]


def test_checkouts_stand_for_visits_where_nothing_measures_them(connected, tmp_path):
    shop = write(
        tmp_path,
        customer=[
            {
                "id": number,
                "email": "ann@example.com",
                "state": "disabled",
                "created_at": f"2026-01-0{number} 10:00:00",
                "updated_at": "2026-01-09",
            }
            for number in (1, 2)
        ],
        abandoned_checkout=[
            {"id": 8, "customer_id": 1, "created_at": "2026-05-01 10:00:00"},
            {"id": 9, "created_at": "2026-05-02 10:00:00"},
        ],
    )
    connection = connected.read(shop)
    assert rows(connection, "shopify__sessions", "session_id", "customer_id", "visitor_id", "started_at") == [
        ("checkout:8", "2", None, datetime(2026, 5, 1, 10)),
        ("checkout:9", None, None, datetime(2026, 5, 2, 10)),
    ]
    assert rows(
        connection, "shopify__web_events", "event_id", "session_id", "event_type", "product_id", "occurred_at"
    ) == [
        ("checkout:8:add_to_cart", "checkout:8", "add_to_cart", None, datetime(2026, 5, 1, 10)),
        ("checkout:8:checkout_start", "checkout:8", "checkout_start", None, datetime(2026, 5, 1, 10)),
        ("checkout:9:add_to_cart", "checkout:9", "add_to_cart", None, datetime(2026, 5, 2, 10)),
        ("checkout:9:checkout_start", "checkout:9", "checkout_start", None, datetime(2026, 5, 2, 10)),
    ]


def test_an_amount_that_cannot_be_read_is_said_and_not_guessed(connected, tmp_path):
    shop = write(
        tmp_path,
        order=[order(1, "1")],
        order_line=[line(11, 1, 1, "$1,258.54"), line(12, 1, 1, "5")],
        refund=[{"id": 5, "order_id": 1, "created_at": "2026-05-03 10:00:00"}],
        order_line_refund=[{"id": 51, "refund_id": 5, "order_line_id": 12, "subtotal": "5,00"}],
        product_variant=[{"id": 30, "product_id": 3, "price": "$1,258.54"}],
    )
    connection = connected.read(shop)
    assert amounts(connection, "shopify__order_lines", "order_line_id", "unit_price", "source_error") == [
        ("11", None, "unreadable price"),
        ("12", "5", None),
    ]
    assert rows(connection, "shopify__orders", "order_id", "source_error") == [("1", "unreadable price")]
    assert rows(connection, "shopify__refunds", "refund_id", "source_error") == [("51", "unreadable subtotal")]
    assert rows(connection, "left_out_rows", "reason") == []
    assert rows(connection, "shopify__products", "product_id", "price", "source_error") == [("30", None, None)]


# ---------------------------------------------------------------- there and back

AS_OF_DATE = date(2025, 3, 30)
VARIABLES = {
    "as_of_date": str(AS_OF_DATE),
    "shop_timezone": "Europe/Berlin",
    "custom_traits": list(CUSTOM_TRAITS),
    "max_rejected_rows": 1_000_000,
    "max_days_without_orders": None,
}


def random_tables(sql, seed: int, directory: Path) -> dict:
    """The rows of a random shop that keep the raw contract, by table."""
    shop = random_shop(seed, AS_OF_DATE, VARIABLES["shop_timezone"], custom_traits=CUSTOM_TRAITS)
    write_shop(shop, directory, "parquet")
    with sql.build(directory) as connection:
        return clean_tables(sql, connection)


def wrong_rows(connection, told: dict) -> dict:
    """The rows of each raw table that Shopify tells and the connector reads otherwise, or only one of both has."""
    wrong = {}
    for name, table in told.items():
        columns = ", ".join(table.column_names)
        connection.register("told", table)
        wrong[name] = [
            (side, *row)
            for side, first, second in (
                ("missing", "told", f"connectors.shopify__{name}"),
                ("wrong", f"connectors.shopify__{name}", "told"),
            )
            for row in connection.execute(
                f"select {columns} from {first} except all select {columns} from {second} limit 5"
            ).fetchall()
        ]
    return {name: found for name, found in wrong.items() if found}


@pytest.fixture(scope="module")
def compiled(project, tmp_path_factory):
    """The project without connectors, and with this one."""
    directory = tmp_path_factory.mktemp("there_and_back")
    write_shop(random_shop(0, AS_OF_DATE), directory / "any", "parquet")
    plain = project.compiled(directory / "any", **VARIABLES)
    write(directory / "any")
    connected = ConnectedProject(directory / "connected", {"shopify": {}}, **VARIABLES)
    return plain, connected.project.compiled(directory / "any", **connected.variables)


@pytest.mark.parametrize("seed, api", [(1, "rest"), (2, "graphql"), (3, "rest")])
def test_random_shops_there_and_back(compiled, tmp_path, seed, api):
    plain, connected = compiled
    tables = random_tables(plain, seed, tmp_path / "dirty")
    told = shopify.write(tables, tmp_path / "connected" / "shopify", api)
    write_contract(tables, tmp_path / "connected", *(name for name in tables if name not in told))
    write_contract(tables | told, tmp_path / "direct", *tables)
    with plain.build(tmp_path / "direct") as direct, connected.build(tmp_path / "connected") as connection:
        assert wrong_rows(connection, told) == {}
        assert segments_of(connection) == segments_of(direct)
        assert connected.failing_tests(connection, REVENUE) == plain.failing_tests(direct)


@pytest.mark.long
def test_the_demo_there_and_back(project, tmp_path):
    demo = PROJECT / "data" / "demo"
    settings = yaml.safe_load((PROJECT / "sample_data" / "shopify.yml").read_text())
    connectors = settings.pop("connectors")
    plain = project.compiled(demo, **settings)
    with plain.build(demo, threads=2) as connection:
        tables = clean_tables(plain, connection)
    told = shopify.write(tables, tmp_path / "connected" / "shopify")
    write_contract(tables, tmp_path / "connected", *(name for name in tables if name not in told))
    write_contract(tables | told, tmp_path / "direct", *tables)
    for campaigns in ("sale_campaigns.csv", "marketing_campaigns.csv"):
        for directory in ("connected", "direct"):
            shutil.copy(demo / campaigns, tmp_path / directory)
    connected = ConnectedProject(tmp_path / "project", connectors, **settings)
    sql = connected.project.compiled(tmp_path / "connected", **connected.variables)
    with sql.build(tmp_path / "connected", threads=2) as connection:
        assert wrong_rows(connection, told) == {}
        assert REVENUE not in sql.failing_tests(connection, REVENUE)
        segments = segments_of(connection)
    with plain.build(tmp_path / "direct", threads=2) as direct:
        assert segments == segments_of(direct)
