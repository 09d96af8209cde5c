"""WooCommerce's tables as a copy of its database has them, against rows of the raw contract worked out by hand."""

import csv
import shutil
import tempfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from connected_shops import ConnectedProject, rows
from project import PROJECT, Project, environment
from random_shops import CUSTOM_TRAITS, random_shop, write_shop
from sample_data.sources import woocommerce
from there_and_back import clean_tables, segments_of, write_contract

REVENUE = "woocommerce_revenue_reconciles"
ORDER_COLUMNS = ("order_id", "customer_id", "email", "ordered_at", "status", "currency", "discount_amount",
                 "discount_code", "updated_at")  # fmt: skip
LINE_COLUMNS = ("order_line_id", "order_id", "product_id", "quantity", "unit_price", "discount_amount", "unit_cost")
REFUND_COLUMNS = ("refund_id", "order_id", "order_line_id", "refunded_at", "amount")
NOON = "2026-03-01 12:00:00"


@pytest.fixture(scope="module")
def connected(tmp_path_factory):
    return ConnectedProject(
        tmp_path_factory.mktemp("woocommerce"),
        {
            "woocommerce": {"statuses": {"wc-shipped": "fulfilled", "quote": "draft"},
                            "email_consent_key": "mailchimp_woocommerce_is_subscribed"},
            "woocommerce_us": {"connector": "woocommerce", "currency": "USD"},
        },
    )  # fmt: skip


class Database:
    """The tables of a shop under the prefix `wp_`, row by row."""

    def __init__(self):
        self.tables = {name: [] for name in ("posts", "postmeta", "woocommerce_order_items",
                                             "woocommerce_order_itemmeta", "users")}  # fmt: skip

    def add(self, table: str, **values) -> None:
        self.tables.setdefault(table, []).append(values)

    def add_meta(self, table: str, owner: dict, values: dict) -> None:
        key = "umeta_id" if table == "usermeta" else "id" if table == "wc_orders_meta" else "meta_id"
        for name, value in values.items():
            number = len(self.tables.get(table, [])) + 1
            self.add(table, **{key: number}, **owner, meta_key=name, meta_value=value)

    def post(self, post_id, post_type, post_status="publish", post_parent=0, at=NOON, post_title="", **meta) -> None:
        self.add("posts", ID=post_id, post_type=post_type, post_status=post_status, post_parent=post_parent,
                 post_title=post_title, post_date_gmt=at, post_modified_gmt=at)  # fmt: skip
        self.add_meta("postmeta", {"post_id": post_id}, meta)

    def order(self, order_id, status="wc-processing", type="shop_order", parent_order_id=0, at=NOON, total=None,
              customer_id=0, billing_email="", updated_at=None, **meta) -> None:  # fmt: skip
        """An order in the tables of its own."""
        self.add("wc_orders", id=order_id, status=status, currency="EUR", type=type, total_amount=total,
                 customer_id=customer_id, billing_email=billing_email, date_created_gmt=at,
                 date_updated_gmt=updated_at or at, parent_order_id=parent_order_id)  # fmt: skip
        self.add_meta("wc_orders_meta", {"order_id": order_id}, meta)

    def refund(self, refund_id, order_id, amount, at=NOON) -> None:
        self.order(refund_id, "wc-completed", "shop_order_refund", order_id, at, f"-{amount}", _refund_amount=amount)

    def item(self, item_id, order_id, order_item_type="line_item", order_item_name="Thing", **meta) -> None:
        self.add("woocommerce_order_items", order_item_id=item_id, order_item_name=order_item_name,
                 order_item_type=order_item_type, order_id=order_id)  # fmt: skip
        self.add_meta("woocommerce_order_itemmeta", {"order_item_id": item_id}, meta)

    def line(self, item_id, order_id, quantity, subtotal, total, product=0, variation=0, **meta) -> None:
        self.item(item_id, order_id, _product_id=product, _variation_id=variation, _qty=quantity,
                  _line_subtotal=subtotal, _line_total=total, **meta)  # fmt: skip

    def write(self, shop: Path, entry: str = "woocommerce", prefix: str = "wp_") -> Path:
        """Write the tables as files of an entry of a shop. Returns the directory of the shop."""
        directory = shop / entry
        directory.mkdir()
        for table, table_rows in self.tables.items():
            columns = list(table_rows[0]) if table_rows else HEADERS[table]
            with (directory / f"{prefix}{table}.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, columns)
                writer.writeheader()
                writer.writerows(table_rows)
        return shop


HEADERS = {
    "posts": ["ID", "post_type", "post_status", "post_title", "post_parent", "post_date_gmt", "post_modified_gmt"],
    "postmeta": ["meta_id", "post_id", "meta_key", "meta_value"],
    "woocommerce_order_items": ["order_item_id", "order_item_name", "order_item_type", "order_id"],
    "woocommerce_order_itemmeta": ["meta_id", "order_item_id", "meta_key", "meta_value"],
    "users": ["ID", "user_email", "user_registered"],
}


def read(connected, shop: Path):
    """The connection after the connectors' models were built; an entry without tables of its own has empty ones."""
    for entry in ("woocommerce", "woocommerce_us"):
        if not (shop / entry).exists():
            Database().write(shop, entry)
    return connected.read(shop)


def test_an_order_is_read_from_the_tables_of_its_own(connected, tmp_path):
    shop = Database()
    shop.order(11, customer_id=5, billing_email="Ann@example.com", updated_at="2026-03-02 08:00:00")
    shop.order(12, "completed", billing_email="guest@example.com")
    shop.item(101, 11, "coupon", "spring")
    shop.line(102, 11, 2, "20.00", "18.00", product=7, variation=8)
    connection = read(connected, shop.write(tmp_path, prefix="shop1_"))
    assert rows(connection, "woocommerce__orders", *ORDER_COLUMNS) == [
        ("11", "5", "Ann@example.com", datetime(2026, 3, 1, 12), "paid", "EUR", Decimal(0), "spring",
         datetime(2026, 3, 2, 8)),
        ("12", None, "guest@example.com", datetime(2026, 3, 1, 12), "fulfilled", "EUR", Decimal(0), None,
         datetime(2026, 3, 1, 12)),
    ]  # fmt: skip
    assert rows(connection, "woocommerce__order_lines", *LINE_COLUMNS) == [
        ("102", "11", "8", Decimal(2), Decimal(10), Decimal(2), None),
    ]


def test_an_order_is_read_from_posts_and_their_values(connected, tmp_path):
    shop = Database()
    shop.post(11, "shop_order", "wc-on-hold", at="2026-03-01 12:00:00", _customer_user=5, _order_currency="EUR",
              _billing_email="Ann@example.com", _order_total="24.20")  # fmt: skip
    shop.post(12, "shop_order", "trash", _customer_user=0, _order_currency="EUR", _billing_email="guest@example.com")
    shop.line(102, 11, 3, "33.33", "33.33", product=7, variation=0)
    shop.post(13, "shop_order_refund", "wc-completed", 11, "2026-03-04 09:30:00", _refund_amount="11.11")
    shop.line(103, 13, -1, "-11.11", "-11.11", _refunded_item_id=102)
    connection = read(connected, shop.write(tmp_path, prefix=""))
    assert rows(connection, "woocommerce__orders", *ORDER_COLUMNS) == [
        ("11", "5", "Ann@example.com", datetime(2026, 3, 1, 12), "pending", "EUR", Decimal(0), None,
         datetime(2026, 3, 1, 12)),
        ("12", None, "guest@example.com", datetime(2026, 3, 1, 12), "cancelled", "EUR", Decimal(0), None,
         datetime(2026, 3, 1, 12)),
    ]  # fmt: skip
    assert rows(connection, "woocommerce__order_lines", *LINE_COLUMNS) == [
        ("102", "11", "7", Decimal(3), Decimal("11.11"), Decimal(0), None),
    ]
    assert rows(connection, "woocommerce__refunds", *REFUND_COLUMNS) == [
        ("103", "11", "102", datetime(2026, 3, 4, 9, 30), Decimal("11.11")),
    ]


def test_an_order_in_both_storages_counts_once_as_its_own_table_has_it(connected, tmp_path):
    shop = Database()
    shop.order(11, "wc-completed", customer_id=5)
    shop.post(11, "shop_order", "wc-processing", _customer_user=6, _order_currency="EUR")
    shop.post(12, "shop_order", "wc-processing", _customer_user=6, _order_currency="EUR")
    shop.post(13, "shop_order_placehold", "draft")
    connection = read(connected, shop.write(tmp_path))
    assert rows(connection, "woocommerce__orders", "order_id", "customer_id", "status") == [
        ("11", "5", "fulfilled"),
        ("12", "6", "paid"),
    ]


def test_each_status_has_its_meaning_and_drafts_are_left_out(connected, tmp_path):
    statuses = {
        "wc-completed": "fulfilled", "completed": "fulfilled", "wc-processing": "paid", "wc-refunded": "paid",
        "wc-pending": "pending", "wc-on-hold": "pending", "wc-cancelled": "cancelled", "wc-failed": "cancelled",
        "trash": "cancelled", "wc-shipped": "fulfilled", "Shipped": "fulfilled", "wc-packed": "wc-packed",
    }  # fmt: skip
    shop = Database()
    for number, status in enumerate([*statuses, "wc-checkout-draft", "auto-draft", "wc-quote"], 10):
        shop.order(number, status)
        shop.line(100 + number, number, 1, "1", "1")
    shop.order(90, "wc-active", "shop_subscription")
    shop.line(190, 90, 1, "1", "1")
    connection = read(connected, shop.write(tmp_path))
    found = rows(connection, "woocommerce__orders", "order_id", "status")
    assert found == [(str(number), status) for number, status in enumerate(statuses.values(), 10)]
    assert len(rows(connection, "woocommerce__order_lines", "order_id")) == len(statuses)
    assert rows(connection, "left_out_rows", "table_name", "reason", "left_out_rows") == [
        ("order_lines", "items of a draft", 3),
        ("orders", "drafts that nobody has placed", 3),
    ]


def test_amounts_of_lines_are_without_tax_and_fees_and_shipping_are_no_lines(connected, tmp_path):
    """The shop's prices include 21 % tax: 2 x 12.10 less a coupon of 10 %."""
    shop = Database()
    shop.order(11, total="29.04")
    shop.line(101, 11, 2, "20", "18", _line_subtotal_tax="4.20", _line_tax="3.78", _cogs_value="9")
    shop.line(102, 11, 3, "20.00", "20.00")
    shop.line(103, 11, 1, "", "7.50")  # as items of former versions are
    shop.line(104, 11, 2, "10", "12")  # the total was raised by hand
    shop.line(105, 11, 0, "0", "0")
    shop.line(106, 11, 2, "1.0E-5", "1.0E-5")
    shop.line(107, 11, 1, "1,258.54", "1258.54")
    shop.item(108, 11, "shipping", cost="6.05")
    shop.item(109, 11, "fee", _line_total="-5", _line_tax="0")
    shop.item(110, 11, "tax", tax_amount="3.78")
    connection = read(connected, shop.write(tmp_path))
    assert rows(connection, "woocommerce__order_lines", *LINE_COLUMNS, "source_error") == [
        ("101", "11", None, Decimal(2), Decimal(10), Decimal(2), Decimal("4.5"), None),
        ("102", "11", None, Decimal(3), Decimal("6.666667"), Decimal(0), None, None),
        ("103", "11", None, Decimal(1), Decimal("7.5"), Decimal(0), None, None),
        ("104", "11", None, Decimal(2), Decimal(6), Decimal(0), None, None),
        ("105", "11", None, Decimal(0), Decimal(0), Decimal(0), None, None),
        ("106", "11", None, Decimal(2), Decimal("0.000005"), Decimal(0), None, None),
        ("107", "11", None, Decimal(1), Decimal("1258.54"), Decimal(0), None, "unreadable _line_subtotal"),
    ]


def test_of_several_values_of_a_key_the_first_counts(connected, tmp_path):
    shop = Database()
    shop.order(11)
    shop.line(101, 11, 2, "20", "20")
    shop.add("woocommerce_order_itemmeta", meta_id=100, order_item_id=101, meta_key="_qty", meta_value=3)
    connection = read(connected, shop.write(tmp_path))
    assert rows(connection, "woocommerce__order_lines", "quantity", "unit_price") == [(Decimal(2), Decimal(10))]


def test_a_refund_of_items_is_their_amounts_without_tax_and_shipping(connected, tmp_path):
    shop = Database()
    shop.order(11, "wc-refunded", total="60.50")
    shop.line(101, 11, 2, "20", "18")
    shop.line(102, 11, 3, "24.793388", "24.793388")  # 3 x 10 with 21 % tax in it
    shop.item(103, 11, "shipping", cost="5")
    shop.refund(12, 11, "10.89", "2026-03-05 10:00:00")
    shop.line(201, 12, -1, "-9", "-9", _line_tax="-1.89", _refunded_item_id=101)
    shop.line(202, 12, -3, "0", "0", _refunded_item_id=102)  # back in stock, without money
    shop.refund(13, 11, "6.05", "2026-03-06 10:00:00")
    shop.item(203, 13, "shipping", cost="-5", total_tax="-1.05")
    shop.refund(14, 11, "30.00", "2026-03-07 10:00:00")
    shop.line(204, 14, -3, "-24.79", "-24.79", _line_tax="-5.21", _refunded_item_id=102)
    connection = read(connected, shop.write(tmp_path))
    assert rows(connection, "woocommerce__refunds", *REFUND_COLUMNS) == [
        ("201", "11", "101", datetime(2026, 3, 5, 10), Decimal(9)),
        ("204", "11", "102", datetime(2026, 3, 7, 10), Decimal("24.793389")),  # 3 x 8.264463
    ]
    assert rows(connection, "left_out_rows", "reason", "left_out_rows") == [
        ("items that went back without money", 1),
        ("refunds of shipping and fees", 1),
    ]


def test_the_status_refunded_gives_back_what_is_left_of_the_goods(connected, tmp_path):
    """30 of goods, 5 of shipping and 7.35 of tax; 10 of the goods went back before, and all else with the status."""
    shop = Database()
    shop.order(11, "wc-refunded", total="42.35")
    shop.line(101, 11, 3, "30", "30")
    shop.item(102, 11, "shipping", cost="5")
    shop.refund(12, 11, "12.10", "2026-03-05 10:00:00")
    shop.line(201, 12, -1, "-10", "-10", _refunded_item_id=101)
    shop.refund(13, 11, "30.25", "2026-03-06 10:00:00")
    connection = read(connected, shop.write(tmp_path))
    assert rows(connection, "woocommerce__refunds", *REFUND_COLUMNS) == [
        ("201", "11", "101", datetime(2026, 3, 5, 10), Decimal(10)),
        ("lump_sum:13", "11", None, datetime(2026, 3, 6, 10), Decimal(20)),
    ]


def test_a_part_given_back_as_a_lump_sum_is_the_share_of_the_goods(connected, tmp_path):
    """30 of goods in a total of 42.35: of 10 given back, 10 x 30 / 42.35 = 7.08 are of goods; the last has the rest."""
    shop = Database()
    shop.order(11, total="42.35")
    shop.line(101, 11, 3, "30", "30")
    shop.item(102, 11, "shipping", cost="5")
    shop.refund(12, 11, "10", "2026-03-05 10:00:00")
    shop.refund(13, 11, "32.35", "2026-03-06 10:00:00")
    connection = read(connected, shop.write(tmp_path))
    assert rows(connection, "woocommerce__refunds", "refund_id", "amount") == [
        ("lump_sum:12", Decimal("7.08")),
        ("lump_sum:13", Decimal("22.92")),
    ]


def test_a_row_that_was_landed_twice_counts_once(connected, tmp_path):
    shop = Database()
    shop.order(11, total="12")
    shop.line(101, 11, 2, "10", "10")
    shop.refund(12, 11, "12")
    shop.tables = {table: table_rows * 2 for table, table_rows in shop.tables.items()}
    connection = read(connected, shop.write(tmp_path))
    assert rows(connection, "woocommerce__orders", "order_id") == [("11",)]
    assert rows(connection, "woocommerce__order_lines", "order_line_id", "quantity", "unit_price") == [
        ("101", Decimal(2), Decimal(5))
    ]
    assert rows(connection, "woocommerce__refunds", "refund_id", "amount") == [("lump_sum:12", Decimal(10))]


def test_orphans_are_left_out_and_counted(connected, tmp_path):
    shop = Database()
    shop.order(11)
    shop.line(101, 11, 1, "5", "5")
    shop.line(102, 99, 1, "5", "5")
    shop.refund(12, 98, "5")
    shop.line(201, 12, -1, "-5", "-5", _refunded_item_id=101)
    connection = read(connected, shop.write(tmp_path))
    assert rows(connection, "woocommerce__order_lines", "order_line_id") == [("101",)]
    assert rows(connection, "woocommerce__refunds", "refund_id") == []
    assert rows(connection, "left_out_rows", "connector", "table_name", "reason", "left_out_rows") == [
        ("woocommerce", "order_lines", "items of an order that is not there", 1),
        ("woocommerce", "refunds", "refunds of an order that is not there", 1),
    ]


def test_a_gift_card_is_no_sale_and_pays_like_money(connected, tmp_path):
    shop = Database()
    shop.post(7, "product", post_title="Gift card", _price="50", _gift_card="yes")
    shop.post(8, "product", post_title="Voucher", _price="50")
    shop.add("terms", term_id=1, name="pw-gift-card", slug="pw-gift-card")
    shop.add("term_taxonomy", term_taxonomy_id=1, term_id=1, taxonomy="product_type", parent=0)
    shop.add("term_relationships", object_id=8, term_taxonomy_id=1)
    shop.order(11, total="30")
    shop.line(101, 11, 1, "50", "50", product=7)
    shop.line(102, 11, 1, "30", "30")
    shop.item(103, 11, "gift_card", "CODE", amount="50")
    shop.refund(12, 11, "50", "2026-03-05 10:00:00")
    shop.line(201, 12, -1, "-50", "-50", product=7, _refunded_item_id=101)
    shop.order(13, "wc-refunded", total="80")
    shop.line(104, 13, 1, "50", "50", product=8)
    shop.line(105, 13, 1, "30", "30")
    shop.refund(14, 13, "80", "2026-03-05 10:00:00")
    connection = read(connected, shop.write(tmp_path))
    assert rows(connection, "woocommerce__products", "product_id", "is_gift_card") == [("7", True), ("8", True)]
    assert rows(connection, "woocommerce__order_lines", "order_line_id", "discount_amount") == [
        (number, Decimal(0)) for number in ("101", "102", "104", "105")
    ]
    assert rows(connection, "woocommerce__refunds", "refund_id", "amount") == [("lump_sum:14", Decimal(30))]
    assert rows(connection, "left_out_rows", "reason", "left_out_rows") == [("refunds of gift cards", 1)]


def test_products_have_their_primary_or_deepest_category_and_variations_that_of_their_product(connected, tmp_path):
    shop = Database()
    categories = {1: ("Clothes", 0), 2: ("Shoes &amp; boots", 1), 3: ("Boots", 2), 4: ("Sale", 0), 5: ("Ankle", 2)}
    for term_id, (name, parent) in categories.items():
        shop.add("terms", term_id=term_id, name=name, slug=name.lower())
        shop.add("term_taxonomy", term_taxonomy_id=10 + term_id, term_id=term_id, taxonomy="product_cat", parent=parent)
    shop.post(71, "product", post_title="Deepest, ties by name", _price="10", _sku="D-1")
    shop.post(72, "product", post_title="Primary", _price="20", _yoast_wpseo_primary_product_cat="2",
              _cogs_total_value="8")  # fmt: skip
    shop.post(73, "product", post_title="Primary no more", rank_math_primary_product_cat="4")
    shop.post(74, "product_variation", post_parent=72, post_title="Primary - 42", _price="22", at="2026-02-01 00:00:00")
    shop.post(75, "product_variation", post_parent=72, post_title="Primary - 43", _cogs_total_value="1.5",
              _cogs_value_is_additive="yes")  # fmt: skip
    shop.post(76, "product", "auto-draft", post_title="AUTO-DRAFT")
    shop.post(77, "page", post_title="About us")
    for product, terms in {71: [1, 4, 3, 5], 72: [2, 3], 73: [1]}.items():
        for term in terms:
            shop.add("term_relationships", object_id=product, term_taxonomy_id=10 + term)
    connection = read(connected, shop.write(tmp_path))
    columns = ("product_id", "product_name", "category", "price", "unit_cost", "updated_at")
    noon = datetime(2026, 3, 1, 12)
    assert rows(connection, "woocommerce__products", *columns) == [
        ("71", "Deepest, ties by name", "Ankle", Decimal(10), None, noon),
        ("72", "Primary", "Shoes & boots", Decimal(20), Decimal(8), noon),
        ("73", "Primary no more", "Clothes", None, None, noon),
        ("74", "Primary - 42", "Shoes & boots", Decimal(22), Decimal(8), noon),
        ("75", "Primary - 43", "Shoes & boots", None, Decimal("9.5"), noon),
    ]
    assert rows(connection, "product_keys", "product_key", "product_id") == [
        *((product, product) for product in ("71", "72", "73", "74", "75")),
        ("D-1", "71"),
    ]


def test_accounts_have_what_they_typed_last_and_no_consent_but_a_plugins(connected, tmp_path):
    shop = Database()
    shop.add("users", ID=5, user_email="ann@example.com", user_registered="2025-01-02 03:04:05")
    shop.add("users", ID=6, user_email="bob@example.com", user_registered="2025-02-02 00:00:00")
    shop.add_meta("usermeta", {"user_id": 5}, {
        "first_name": "", "billing_first_name": "Ann", "last_name": "Lee", "billing_phone": "+49 170 123-45678",
        "billing_country": "DE", "billing_city": "Berlin", "billing_postcode": "10115", "last_update": "1767225600",
        "mailchimp_woocommerce_is_subscribed": "1"})  # fmt: skip
    shop.add_meta("usermeta", {"user_id": 6}, {"mailchimp_woocommerce_is_subscribed": "0", "last_update": ""})
    connection = read(connected, shop.write(tmp_path))
    columns = ("customer_id", "email", "phone", "first_name", "last_name", "country_code", "city", "postal_code",
               "created_at", "email_consent", "updated_at")  # fmt: skip
    assert rows(connection, "woocommerce__customers", *columns) == [
        ("5", "ann@example.com", "+4917012345678", "Ann", "Lee", "DE", "Berlin", "10115",
         datetime(2025, 1, 2, 3, 4, 5), "subscribed", datetime(2026, 1, 1)),
        ("6", "bob@example.com", None, None, None, None, None, None,
         datetime(2025, 2, 2), None, datetime(2025, 2, 2)),
    ]  # fmt: skip


def test_rows_that_the_loader_marks_as_deleted_take_their_keys_away(connected, tmp_path):
    shop = Database()
    shop.order(11, total="15")
    shop.order(12)
    shop.line(101, 11, 1, "10", "10")
    shop.line(102, 11, 1, "5", "5")
    shop.line(103, 12, 1, "5", "5")
    shop.refund(13, 11, "10")
    shop.line(201, 13, -1, "-10", "-10", _refunded_item_id=101)
    shop.refund(14, 12, "5")
    shop.line(202, 14, -1, "-5", "-5", _refunded_item_id=103)
    for order in shop.tables["wc_orders"]:
        order["_fivetran_deleted"] = "true" if order["id"] in (12, 13) else "false"
    for item in shop.tables["woocommerce_order_items"]:
        item["_ab_cdc_deleted_at"] = "2026-03-04T00:00:00Z" if item["order_item_id"] == 102 else ""
    connection = read(connected, shop.write(tmp_path))
    assert rows(connection, "woocommerce__orders", "order_id", "is_deleted") == [("11", False), ("12", True)]
    assert rows(connection, "woocommerce__order_lines", "order_line_id", "is_deleted") == [
        ("101", False), ("102", True), ("103", True),
    ]  # fmt: skip
    assert rows(connection, "woocommerce__refunds", "refund_id", "is_deleted") == [("201", True), ("202", True)]
    assert rows(connection, "left_out_rows", "reason") == []


def test_two_shops_with_the_same_ids_stay_apart(connected, tmp_path):
    for entry, amount in (("woocommerce", "10"), ("woocommerce_us", "20")):
        shop = Database()
        shop.add("users", ID=5, user_email="ann@example.com", user_registered=NOON)
        shop.post(7, "product", post_title=entry, _price="50", _sku="S", _cogs_total_value="5",
                  _yoast_wpseo_primary_product_cat="1")  # fmt: skip
        for term_id, name in ((1, f"First of {entry}"), (2, "A second one")):
            shop.add("terms", term_id=term_id, name=name, slug=name)
            shop.add("term_taxonomy", term_taxonomy_id=term_id, term_id=term_id, taxonomy="product_cat", parent=0)
            shop.add("term_relationships", object_id=7, term_taxonomy_id=term_id)
        shop.order(11, total=amount, customer_id=5)
        shop.line(101, 11, 1, amount, amount, product=7)
        shop.refund(12, 11, amount)
        shop.line(201, 12, -1, f"-{amount}", f"-{amount}", product=7, _refunded_item_id=101)
        shop.refund(13, 11, "1")
        shop.write(tmp_path, entry)
    connection = read(connected, tmp_path)
    us = "woocommerce_us:"
    assert rows(connection, "woocommerce__customers", "customer_id") == [("5",), (f"{us}5",)]
    assert rows(connection, "woocommerce__orders", "order_id", "customer_id") == [("11", "5"), (f"{us}11", f"{us}5")]
    assert rows(connection, "woocommerce__order_lines", *LINE_COLUMNS[:3], "unit_price") == [
        ("101", "11", "7", Decimal(10)), (f"{us}101", f"{us}11", f"{us}7", Decimal(20)),
    ]  # fmt: skip
    assert rows(connection, "woocommerce__refunds", *REFUND_COLUMNS[:3], "amount") == [
        ("201", "11", "101", Decimal(10)), (f"{us}201", f"{us}11", f"{us}101", Decimal(20)),
    ]  # fmt: skip
    # Prices of the second shop are in dollars.
    assert rows(connection, "woocommerce__products", "product_id", "category", "price", "unit_cost") == [
        ("7", "First of woocommerce", Decimal(50), Decimal(5)), (f"{us}7", "First of woocommerce_us", None, None),
    ]  # fmt: skip
    assert rows(connection, "woocommerce__product_keys", "product_key", "product_id", "priority") == [
        ("7", "7", 1), ("7", f"{us}7", 1), ("S", "7", 3), ("S", f"{us}7", 3),
    ]  # fmt: skip


# ---------------------------------------------------------------- there and back

AS_OF_DATE = date(2025, 3, 30)
VARIABLES = {
    "as_of_date": str(AS_OF_DATE),
    "shop_timezone": "Europe/Berlin",
    "custom_traits": list(CUSTOM_TRAITS),
    "max_rejected_rows": 1_000_000,
    "max_days_without_orders": None,
}
CONNECTORS = {"woocommerce": {"email_consent_key": woocommerce.EMAIL_CONSENT_KEY}}


def connected_project(directory: Path, **variables: object) -> ConnectedProject:
    connected = ConnectedProject(directory, CONNECTORS, **variables)
    # Whoever compiles it looks for the tables.
    Database().write(directory)
    return connected


def wrong_rows(connection, told: dict) -> dict:
    """The rows of each raw table that WooCommerce tells and the connector reads otherwise, or only one of both has."""
    wrong = {}
    for name, table in told.items():
        columns = ", ".join(table.column_names)
        connection.register("told", table)
        read_model = f"connectors.woocommerce__{name}"
        wrong[name] = [
            (side, *row)
            for side, first, second in (("missing", "told", read_model), ("wrong", read_model, "told"))
            for row in connection.execute(
                f"select {columns} from {first} except all select {columns} from {second} limit 5"
            ).fetchall()
        ]
    return {name: found for name, found in wrong.items() if found}


def assert_there_and_back(plain, connected, tables: dict, calendar: Path, directory: Path, storage: str) -> None:
    """A shop through WooCommerce's tables is the shop as far as they tell it, and has its segments.

    calendar: the directory of the shop's sale_campaigns and marketing_campaigns.
    """
    told = woocommerce.write(tables, directory / "connected" / "woocommerce", storage)
    write_contract(tables, directory / "connected", *(name for name in tables if name not in told))
    write_contract(tables | told, directory / "direct", *tables)
    for file in calendar.glob("*_campaigns.*"):
        for shop in ("connected", "direct"):
            shutil.copy(file, directory / shop)
    with plain.build(directory / "direct") as direct, connected.build(directory / "connected") as connection:
        assert wrong_rows(connection, told) == {}
        assert segments_of(connection) == segments_of(direct)
        failing = set(plain.failing_tests(direct))
        assert set(connected.whole.failing_tests(connection, REVENUE)) == failing
        connection.execute("update connectors.woocommerce__stored_orders set total_amount = total_amount + 1")
        assert set(connected.whole.failing_tests(connection, REVENUE)) == failing | {REVENUE}


@pytest.fixture(scope="module")
def compiled(project, tmp_path_factory):
    """The project without connectors, and with this one."""
    directory = tmp_path_factory.mktemp("there_and_back")
    write_shop(random_shop(0, AS_OF_DATE), directory / "any", "parquet")
    return project.compiled(directory / "any", **VARIABLES), connected_project(directory / "connected", **VARIABLES)


@pytest.mark.parametrize("seed, storage", [(1, "own_tables"), (2, "posts"), (3, "both")])
def test_random_shops_there_and_back(compiled, tmp_path, seed, storage):
    plain, connected = compiled
    shop = random_shop(seed, AS_OF_DATE, VARIABLES["shop_timezone"], custom_traits=CUSTOM_TRAITS)
    write_shop(shop, tmp_path / "dirty", "parquet")
    with plain.build(tmp_path / "dirty") as connection:
        tables = clean_tables(plain, connection)
    assert_there_and_back(plain, connected, tables, tmp_path / "dirty", tmp_path, storage)


@pytest.mark.long
def test_the_demo_there_and_back(project, tmp_path):
    demo = PROJECT / "data" / "demo"
    settings = yaml.safe_load((PROJECT / "sample_data" / "demo.yml").read_text())
    plain = project.compiled(demo, **settings)
    with plain.build(demo) as connection:
        tables = clean_tables(plain, connection)
    connected = connected_project(tmp_path / "project", **settings)
    assert_there_and_back(plain, connected, tables, demo, tmp_path, "both")


# ---------------------------------------------------------------- PostgreSQL


def shop_of_all_kinds() -> Database:
    """A shop with orders in both storages, and with refunds, variations, categories and accounts."""
    shop = Database()
    shop.add("users", ID=5, user_email="ann@example.com", user_registered="2025-01-02 03:04:05")
    shop.add_meta("usermeta", {"user_id": 5}, {"first_name": "Ann", "last_update": "1767225600"})
    for term_id, (name, parent) in {1: ("Clothes", 0), 2: ("Shoes &amp; boots", 1)}.items():
        shop.add("terms", term_id=term_id, name=name, slug=name.lower())
        shop.add("term_taxonomy", term_taxonomy_id=term_id, term_id=term_id, taxonomy="product_cat", parent=parent)
        shop.add("term_relationships", object_id=72, term_taxonomy_id=term_id)
    shop.post(72, "product", post_title="Boot", _price="20.50", _sku="B", _cogs_total_value="8")
    shop.post(74, "product_variation", post_parent=72, post_title="Boot - 42", _price="22", at="2026-02-01 00:00:00")
    shop.order(11, "wc-completed", customer_id=5, billing_email="ann@example.com", total="29.04")
    shop.line(101, 11, 3, "20", "18.5", product=72, variation=74, _cogs_value="7")
    shop.item(102, 11, "shipping", cost="5")
    shop.item(103, 11, "coupon", "spring")
    shop.refund(12, 11, "10", "2026-03-05 10:00:00")
    shop.refund(13, 11, "19.04", "2026-03-06 10:00:00")
    shop.post(14, "shop_order", "wc-shipped", _customer_user=0, _order_currency="EUR", _order_total="12.10",
              _billing_email="guest@example.com")  # fmt: skip
    shop.line(104, 14, 1, "10", "10", product=72)
    shop.post(15, "shop_order_refund", "wc-completed", 14, "2026-03-07 10:00:00", _refund_amount="6.05")
    shop.line(105, 15, -1, "-5", "-5", _refunded_item_id=104)
    shop.line(106, 99, 1, "1", "1")
    return shop


# How loaders land MySQL's BIGINT (one with places), DATETIME and DECIMAL(26, 8), and spell the name of a column.
LOADERS = {
    "pgloader": ("bigint", "timestamptz", "numeric(26, 8)", str.lower),
    "airbyte": ("numeric(38, 9)", "timestamp", "numeric", str),
}


@pytest.mark.postgres
@pytest.mark.parametrize("loader", LOADERS)
def test_postgres_reads_what_duckdb_reads(tmp_path, loader):
    from ecommerce_segments.engines.postgres_server import running_server

    settings = {"connectors": {"woocommerce": {"table_prefix": "shop_", "statuses": {"shipped": "fulfilled"}}}}
    files = ConnectedProject(tmp_path / "files", **settings)
    shop = shop_of_all_kinds()
    (tmp_path / "shop").mkdir()
    here = files.read(shop.write(tmp_path / "shop"))
    # Not in pytest's own directory, which only its user may enter: root's server runs as another one.
    directory = Path(tempfile.mkdtemp(prefix="postgres-"))
    with running_server(directory) as variables, environment(**variables):
        import psycopg2

        with psycopg2.connect("") as connection, connection.cursor() as cursor:
            cursor.execute("create schema woocommerce")
            for table, table_rows in shop.tables.items():
                land(cursor, f"woocommerce.shop_{table}", table_rows, *LOADERS[loader])
        warehouse = Project(tmp_path, target="postgres", **settings)
        warehouse.dbt("run", "--select", "path:models/connectors/woocommerce", **settings)
        with psycopg2.connect("") as connection, connection.cursor() as cursor:
            for model in (*woocommerce.FEEDS, "product_keys", "left_out"):
                columns = ", ".join(
                    name for name, *_ in here.execute(f"describe connectors.woocommerce__{model}").fetchall()
                )
                query = f"select {columns} from connectors.woocommerce__{model}"
                cursor.execute(query)
                found = sorted(cursor.fetchall(), key=repr)
                assert found and found == sorted(here.execute(query).fetchall(), key=repr)
    shutil.rmtree(directory)


def land(cursor, table: str, table_rows: list[dict], id_type: str, time_type: str, decimal_type: str, spell) -> None:
    """Make a typed table of rows as a loader does."""
    columns = {
        name: decimal_type
        if name == "total_amount"
        else time_type
        if name.endswith("_gmt") or name == "user_registered"
        else id_type
        if name.lower().endswith("id") or name in ("post_parent", "parent")
        else "text"
        for name in table_rows[0]
    }
    typed = ", ".join(f'"{spell(name)}" {data_type}' for name, data_type in columns.items())
    cursor.execute(f"create table {table} ({typed})")
    for row in table_rows:
        cursor.execute(f"insert into {table} values ({', '.join(['%s'] * len(row))})", list(row.values()))
