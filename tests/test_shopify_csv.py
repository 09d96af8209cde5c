"""Exports of Shopify's admin page, against rows worked out by hand; and shops that are written as such exports and
read back."""

import csv
import shutil
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from connected_shops import ConnectedProject, rows
from ecommerce_segments.connectors import connected as connected_files
from ecommerce_segments.read.files import converted, told
from project import PROJECT, CompiledProject, messages
from random_shops import random_shop, write_shop
from sample_data.sources import shopify_csv
from there_and_back import clean_tables, segments_of, write_contract

ENTRIES = {
    "shopify_csv": {},
    "shopify_us": {
        "connector": "shopify_csv",
        "id_prefix": "us-",
        "gift_card_names": "voucher",
        "taxes_included": True,
    },
}
CREATED_AT = "2025-05-11 09:55:16 -0400"
PAID = {"Financial Status": "paid", "Created at": CREATED_AT, "Currency": "EUR"}


SURROUNDINGS = {"as_of_date": date(2025, 3, 30), "shop_timezone": "Europe/Berlin", "max_accounts_per_email": 20}


@pytest.fixture(scope="module")
def connected(tmp_path_factory):
    directory = tmp_path_factory.mktemp("shopify_csv")
    write_orders(directory)
    return ConnectedProject(directory, ENTRIES)


def write_file(path: Path, header: list[str], lines: list[dict]) -> None:
    """Write a CSV file of rows that say some of its columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        writer.writerows(lines)


def write_orders(shop: Path, *lines: dict, name: str = "orders_export_1.csv", entry: str = "shopify_csv") -> Path:
    """Write an export of orders, and one of the other entry if it has none yet. Returns the directory of the shop."""
    write_file(shop / entry / name, shopify_csv.ORDERS_HEADER, list(lines))
    for other in ENTRIES:
        if not list(shop.glob(f"{other}/*")):
            write_file(shop / other / "orders_export_1.csv", shopify_csv.ORDERS_HEADER, [])
    return shop


def order(number: int, subtotal: str, total: str | None = None, **others: str) -> dict:
    """What is said of an order in its first row."""
    return (
        PAID
        | {
            "Name": f"#{number}",
            "Id": f"'90{number}",
            "Email": f"b{number}@shop.example",
            "Subtotal": subtotal,
            "Total": total or subtotal,
        }
        | others
    )


def item(sku: str, quantity: str, price: str, discount: str = "0.00", **others: str) -> dict:
    return {
        "Lineitem sku": sku,
        "Lineitem name": f"Item {sku}",
        "Lineitem quantity": quantity,
        "Lineitem price": price,
        "Lineitem discount": discount,
        "Lineitem requires shipping": "true",
        "Lineitem taxable": "true",
    } | others


def lines_of(connection, *columns: str) -> list[tuple]:
    return rows(connection, "shopify_csv__order_lines", "order_id", "product_id", *columns)


def orders_of(connection, *columns: str) -> list[tuple]:
    return rows(connection, "shopify_csv__orders", "order_id", *columns)


def test_the_header_of_an_export_of_orders_has_79_columns():
    assert len(shopify_csv.ORDERS_HEADER) == 79


def test_the_subtotal_is_after_discounts_of_items_and_of_codes_for_the_order(connected, tmp_path):
    # 2 x 30 + 1 x 50 = 110, less 5 of the item, less 10 of the code: 95. Free shipping of 4.90 is in Discount Amount,
    # too.
    shop = write_orders(
        tmp_path,
        order(1, "95.00", "95.00", **{"Discount Code": "TEN", "Discount Amount": "14.90"})
        | item("A", "2", "30.00", "5.00"),
        {"Name": "#1"} | item("B", "1", "50.00", **{"Lineitem compare at price": "60.00"}),
        order(2, "20.00", "20.00", **{"Discount Code": "FREESHIPPING", "Discount Amount": "4.90"})
        | item("A", "1", "20.00"),
    )
    connection = connected.read(shop)
    assert orders_of(connection, "discount_amount", "discount_code") == [
        ("901", Decimal(10), "TEN"),
        ("902", Decimal(0), "FREESHIPPING"),
    ]
    assert lines_of(connection, "quantity", "unit_price", "list_price", "discount_amount") == [
        ("901", "A", Decimal(2), Decimal(30), None, Decimal(5)),
        ("901", "B", Decimal(1), Decimal(50), Decimal(60), Decimal(0)),
        ("902", "A", Decimal(1), Decimal(20), None, Decimal(0)),
    ]  # fmt: skip


def test_rows_have_no_order(connected, tmp_path):
    lines = [
        order(1, "15.00", "15.00") | item("A", "1", "10.00"),
        {"Name": "#1"} | item("B", "1", "5.00"),
        order(2, "7.00", "7.00") | item("C", "1", "7.00"),
        {"Name": "#2", "Email": "b2@shop.example"} | item("D", "2", "0.00"),
    ]
    found = []
    for place, lines_in_order in enumerate((lines, lines[::-1])):
        connection = connected.read(write_orders(tmp_path / str(place), *lines_in_order))
        found.append(
            (
                orders_of(connection, "email", "ordered_at", "discount_amount"),
                lines_of(connection, "order_line_id", "unit_price"),
            )
        )
    assert found[0] == found[1]
    assert found[0][0] == [
        ("901", "b1@shop.example", datetime(2025, 5, 11, 13, 55, 16), Decimal(0)),
        ("902", "b2@shop.example", datetime(2025, 5, 11, 13, 55, 16), Decimal(0)),
    ]


def test_names_of_columns_come_in_several_spellings(connected, tmp_path):
    shop = write_orders(tmp_path)
    header = [
        {"Cancelled at": "CANCELED AT", "Lineitem compare at price": "Lineitem compare-at price"}.get(
            name, name.upper()
        )
        for name in shopify_csv.ORDERS_HEADER
    ]
    line = order(1, "5.00", "5.00", **{"CANCELED AT": "2025-05-12 10:00:00 +0530"}) | item("A", "1", "5.00")
    spelt = {"Lineitem compare-at price": "6.00"} | {
        name if name in header else name.upper(): value for name, value in line.items()
    }
    write_file(shop / "shopify_csv" / "orders_export_1.csv", header, [spelt])
    connection = connected.read(shop)
    assert orders_of(connection, "status", "updated_at") == [("901", "cancelled", datetime(2025, 5, 12, 4, 30))]
    assert lines_of(connection, "list_price") == [("901", "A", Decimal(6))]


@pytest.mark.parametrize(("said", "status"), [
    ({"Financial Status": "paid", "Fulfillment Status": "fulfilled"}, "fulfilled"),
    ({"Financial Status": "paid", "Fulfillment Status": "partial"}, "paid"),
    ({"Financial Status": "partially_refunded", "Fulfillment Status": "fulfilled"}, "fulfilled"),
    ({"Financial Status": "refunded", "Fulfillment Status": "unfulfilled"}, "paid"),
    ({"Financial Status": "authorized"}, "pending"),
    ({"Financial Status": "partially_paid", "Fulfillment Status": "fulfilled"}, "pending"),
    ({"Financial Status": "voided"}, "cancelled"),
    ({"Financial Status": "expired"}, "cancelled"),
    ({"Financial Status": "paid", "Fulfillment Status": "fulfilled", "Cancelled at": CREATED_AT}, "cancelled"),
    ({"Financial Status": "in dispute"}, "in dispute"),
])  # fmt: skip
def test_status(connected, tmp_path, said, status):
    connection = connected.read(write_orders(tmp_path, order(1, "5.00", **said) | item("A", "1", "5.00")))
    assert orders_of(connection, "status") == [("901", status)]


def test_the_latest_of_an_orders_times_is_its_version(connected, tmp_path):
    shop = write_orders(
        tmp_path,
        order(1, "5.00", **{"Paid at": "2025-05-13 00:00:00 +0000", "Fulfilled at": "2025-05-12 23:00:00 -0400"})
        | item("A", "1", "5.00"),
        order(2, "5.00", **{"Payment Method": "bogus"}) | item("A", "1", "5.00"),
    )
    assert orders_of(connected.read(shop), "updated_at", "is_test") == [
        ("901", datetime(2025, 5, 13, 3), False),
        ("902", datetime(2025, 5, 11, 13, 55, 16), True),
    ]


def test_of_files_that_overlap_the_one_with_the_latest_name_has_the_order(connected, tmp_path):
    first = [
        order(1, "30.00") | item("A", "1", "20.00"),
        {"Name": "#1"} | item("B", "1", "10.00"),
        order(2, "5.00") | item("A", "1", "5.00"),
    ]
    edited = order(1, "20.00", **{"Fulfillment Status": "fulfilled"}) | item("A", "1", "20.00")
    write_orders(tmp_path, *first, name="orders_export.csv")
    write_orders(tmp_path, order(1, "99.00") | item("A", "1", "99.00"), name="orders_export (9).csv")
    connection = connected.read(write_orders(tmp_path, edited, name="orders_export (10).csv"))
    assert orders_of(connection, "status") == [("901", "fulfilled"), ("902", "paid")]
    assert lines_of(connection, "unit_price") == [("901", "A", Decimal(20)), ("902", "A", Decimal(5))]
    assert ("orders", "a file with a later name has the order too", 2) in rows(
        connection, "shopify_csv__left_out", "table_name", "reason", "left_out_rows"
    )


def test_taxes_in_prices_are_taken_out_and_taxes_on_top_are_not(connected, tmp_path):
    # 119 + 23.80 shipping hold 22.80 of tax: 119 / 1.19 = 100. Of 59.50 with an item discount of 11.90 and 9.52 of a
    # code, 38.08 are paid: 32.
    shop = write_orders(
        tmp_path,
        order(1, "119.00", "142.80", Shipping="23.80", Taxes="22.80")
        | item("A", "1", "119.00", **{"Lineitem compare at price": "238.00"}),
        order(2, "38.08", "38.08", Taxes="6.08") | item("A", "1", "59.50", "11.90"),
        order(3, "100.00", "124.95", Shipping="5.00", Taxes="19.95") | item("A", "1", "100.00"),
        order(4, "0.00", "0.00", Taxes="0.00") | item("A", "1", "0.00"),
        order(5, "10.00", "10.00", Taxes="-2.00") | item("A", "1", "10.00"),
    )
    connection = connected.read(shop)
    assert lines_of(connection, "unit_price", "list_price", "discount_amount") == [
        ("901", "A", Decimal(100), Decimal(200), Decimal(0)),
        ("902", "A", Decimal(50), None, Decimal(10)),
        ("903", "A", Decimal(100), None, Decimal(0)),
        ("904", "A", Decimal(0), None, Decimal(0)),
        ("905", "A", Decimal(10), None, Decimal(0)),
    ]
    assert orders_of(connection, "discount_amount") == [
        ("901", Decimal(0)),
        ("902", Decimal(8)),
        ("903", Decimal(0)),
        ("904", Decimal(0)),
        ("905", Decimal(0)),
    ]


def test_a_setting_says_whether_taxes_are_in_the_prices(connected, tmp_path):
    # Duties of 20 make the total look like one with taxes on top.
    imported = order(1, "120.00", "140.00", Taxes="20.00", Duties="20.00") | item("A", "1", "120.00")
    write_orders(tmp_path, imported)
    connection = connected.read(write_orders(tmp_path, imported, entry="shopify_us"))
    assert lines_of(connection, "unit_price") == [("901", "A", Decimal(120)), ("us-901", "us-A", Decimal(100))]


def test_a_refund_is_the_share_of_the_subtotal_that_went_back_of_the_total(connected, tmp_path):
    # Half of the total of 238, of which 200 are the net price of the goods; more than the total; a third of 90
    # without tax; nothing.
    shop = write_orders(
        tmp_path,
        order(1, "238.00", "238.00", Taxes="38.00", **{"Refunded Amount": "119.00"}) | item("A", "2", "119.00"),
        order(2, "100.00", "110.00", Shipping="10.00", **{"Refunded Amount": "115.00"}) | item("A", "1", "100.00"),
        order(3, "90.00", "108.00", Taxes="18.00", **{"Refunded Amount": "36.00"}) | item("A", "1", "90.00"),
        order(4, "90.00", "90.00", **{"Refunded Amount": "0.00"}) | item("A", "1", "90.00"),
    )
    assert rows(
        connected.read(shop), "shopify_csv__refunds", "refund_id", "order_id", "order_line_id", "refunded_at", "amount"
    ) == [
        ("901", "901", None, datetime(2025, 5, 11, 13, 55, 16), Decimal(100)),
        ("902", "902", None, datetime(2025, 5, 11, 13, 55, 16), Decimal(100)),
        ("903", "903", None, datetime(2025, 5, 11, 13, 55, 16), Decimal(30)),
    ]


def test_without_the_total_no_refund_is_guessed(connected, tmp_path):
    shop = write_orders(tmp_path)
    write_file(shop / "shopify_csv" / "orders_export_1.csv", [n for n in shopify_csv.ORDERS_HEADER if n != "Total"], [])
    said = messages(connected.project.attempt("seed", raw_dir=shop, **connected.variables))
    assert "The required column total of the table shopify_csv.orders_export is missing" in said


def test_gift_cards_and_removed_items_are_left_out(connected, tmp_path):
    card = {"Lineitem requires shipping": "false", "Lineitem taxable": "false", "Lineitem name": "Gift Card - 50"}
    shop = write_orders(
        tmp_path,
        order(1, "80.00", "80.00", **{"Refunded Amount": "80.00"}) | item("A", "1", "30.00"),
        {"Name": "#1"} | item("G", "1", "50.00", **card),
        order(2, "8.00") | item("D", "1", "9.00", **card | {"Lineitem name": "Download"}),
        {"Name": "#2"} | item("E", "0", "70.00", "5.00"),
        order(3, "25.00") | item("V", "1", "25.00"),
    )
    write_file(shop / "shopify_csv" / "products_export_1.csv", shopify_csv.PRODUCTS_HEADER, [
        {"Handle": "v", "Title": "Good for", "Gift Card": "true", "Option1 Value": "25", "Variant SKU": "V",
         "Variant Price": "25.00"}])  # fmt: skip
    connection = connected.read(shop)
    assert lines_of(connection, "unit_price") == [("901", "A", Decimal(30)), ("902", "D", Decimal(9))]
    assert rows(connection, "shopify_csv__refunds", "order_id", "amount") == [("901", Decimal(30))]
    assert orders_of(connection, "discount_amount") == [("901", Decimal(0)), ("902", Decimal(1)), ("903", Decimal(0))]
    assert rows(connection, "left_out_rows", "table_name", "reason", "left_out_rows") == [
        ("order_lines", "gift card", 2),
        ("order_lines", "quantity 0: the item was taken out of the order", 1),
    ]


def test_a_setting_names_gift_cards(connected, tmp_path):
    voucher = {"Lineitem requires shipping": "false", "Lineitem taxable": "false", "Lineitem name": "VOUCHER 10"}
    write_orders(tmp_path, order(1, "10.00") | item("G", "1", "10.00", **voucher))
    connection = connected.read(
        write_orders(tmp_path, order(1, "10.00") | item("G", "1", "10.00", **voucher), entry="shopify_us")
    )
    assert lines_of(connection) == [("901", "G")]


def test_equal_items_of_an_order_stay_two_lines(connected, tmp_path):
    shop = write_orders(
        tmp_path,
        order(1, "40.00") | item("A", "1", "10.00"),
        {"Name": "#1"} | item("A", "1", "10.00"),
        {"Name": "#1"} | item("A", "2", "10.00"),
    )
    connection = connected.read(shop)
    assert [quantity for *_, quantity in lines_of(connection, "quantity")] == [1, 1, 2]
    assert len({line_id for *_, line_id in lines_of(connection, "order_line_id")}) == 3


def test_variants_of_products(connected, tmp_path):
    shop = write_orders(
        tmp_path,
        order(1, "30.00") | item("", "1", "10.00", **{"Lineitem name": "Shirt - Blue / S"}),
        {"Name": "#1"} | item("'0077", "2", "10.00", **{"Lineitem name": "Shirt - Blue / M"}),
    )
    write_file(shop / "shopify_csv" / "products_export_1.csv", shopify_csv.PRODUCTS_HEADER, [
        {"Handle": "shirt", "Option1 Value": "Blue", "Option2 Value": "M", "Variant SKU": "'0077",
         "Variant Price": "10.00", "Cost per item": "4.00"},
        {"Handle": "shirt", "Title": "Shirt", "Type": "Tops", "Option1 Name": "Colour", "Option1 Value": "Blue",
         "Option2 Name": "Size", "Option2 Value": "S", "Variant Price": "10.00"},
        {"Handle": "shirt", "Image Src": "https://shop.example/2.jpg", "Image Position": "2"},
        {"Handle": "mug", "Title": "Mug", "Type": "", "Option1 Value": "Default Title", "Variant Price": "7.00"},
    ])  # fmt: skip
    connection = connected.read(shop)
    assert rows(
        connection, "shopify_csv__products", "product_id", "product_name", "category", "price", "unit_cost"
    ) == [
        ("0077", "Shirt - Blue / M", "Tops", Decimal(10), Decimal(4)),
        ("Mug", "Mug", None, Decimal(7), None),
        ("Shirt - Blue / S", "Shirt - Blue / S", "Tops", Decimal(10), None),
    ]
    assert lines_of(connection) == [("901", "0077"), ("901", "Shirt - Blue / S")]
    assert rows(connection, "product_keys", "product_key", "product_id") == [("0077", "0077")]


def test_without_their_export_products_come_of_what_was_sold(connected, tmp_path):
    shop = write_orders(
        tmp_path,
        order(1, "10.00") | item("A", "1", "10.00"),
        order(2, "12.00", **{"Created at": "2025-06-01 00:00:00 +0000"}) | item("A", "1", "12.00"),
        {"Name": "#2"} | item("", "1", "0.00", **{"Lineitem name": "Mug"}),
    )
    assert rows(connected.read(shop), "shopify_csv__products", "product_id", "product_name", "category", "price") == [
        ("A", "Item A", None, Decimal(12)),
        ("Mug", "Mug", None, Decimal(0)),
    ]


def test_customers_have_their_orders_by_email(connected, tmp_path):
    shop = write_orders(
        tmp_path,
        order(1, "10.00", Email="Ann@Shop.example") | item("A", "1", "10.00"),
        order(2, "10.00", Email="guest@shop.example") | item("A", "1", "10.00"),
        order(3, "10.00", Email="", Phone="'+4930123456") | item("A", "1", "10.00"),
        order(4, "10.00", Email="ann@shop.example", **{"Paid at": "2025-06-01 00:00:00 +0000"})
        | item("A", "1", "10.00"),
    )
    write_file(shop / "shopify_csv" / "customers_export.csv", shopify_csv.CUSTOMERS_HEADER, [
        {"Customer ID": "'71", "Email": "ann@shop.example", "Accepts Email Marketing": "yes",
         "Accepts SMS Marketing": "no", "Phone": "'+34600000000", "Default Address Zip": "'08001"},
        {"Customer ID": "'72", "Email": "lead@shop.example", "Accepts Email Marketing": "no",
         "Accepts SMS Marketing": "yes"},
    ])  # fmt: skip
    connection = connected.read(shop)
    assert orders_of(connection, "customer_id", "email") == [
        ("901", "71", "Ann@Shop.example"),
        ("902", None, "guest@shop.example"),
        ("903", None, None),
        ("904", "71", "ann@shop.example"),
    ]
    assert rows(
        connection,
        "shopify_csv__customers",
        "customer_id",
        "email_consent",
        "sms_consent",
        "phone",
        "postal_code",
        "updated_at",
    ) == [
        ("71", "subscribed", "never", "+34600000000", "08001", datetime(2025, 6, 1)),
        ("72", "never", "subscribed", None, None, datetime(2025, 5, 11, 13, 55, 16)),
    ]


def test_a_customer_without_id_is_known_by_email(connected, tmp_path):
    shop = write_orders(tmp_path, order(1, "10.00", Email="ann@shop.example") | item("A", "1", "10.00"))
    ann = {"Email": "ANN@shop.example", "Country Code": "ES", "Zip": "08001", "Accepts Marketing": "yes"}
    write_file(shop / "shopify_csv" / "customers_export.csv", list(ann), [ann])
    # echo -n ann@shop.example | sha256sum
    hashed = "6a0bf011a1fc1e9a8add1728704b8ddb5d9d2701ae295a65452d9f1f1cf91be5"
    connection = connected.read(shop)
    ((customer_id, *said),) = rows(
        connection, "shopify_csv__customers", "customer_id", "country_code", "postal_code", "email_consent"
    )
    assert (customer_id, said) == (hashed, ["ES", "08001", "subscribed"])
    assert orders_of(connection, "customer_id") == [("901", customer_id)]


def test_two_shops_with_the_same_ids_stay_apart(connected, tmp_path):
    for entry, price in (("shopify_csv", "10.00"), ("shopify_us", "20.00")):
        write_orders(tmp_path, order(1, price) | item("A", "1", price), entry=entry)
        write_file(
            tmp_path / entry / "customers_export.csv",
            shopify_csv.CUSTOMERS_HEADER,
            [{"Customer ID": "'71", "Email": "b1@shop.example"}],
        )
        write_file(tmp_path / entry / "products_export.csv", shopify_csv.PRODUCTS_HEADER, [
            {"Handle": "a", "Title": "A", "Variant SKU": "A", "Variant Price": price}])  # fmt: skip
    connection = connected.read(tmp_path)
    assert orders_of(connection, "customer_id") == [("901", "71"), ("us-901", "us-71")]
    assert lines_of(connection, "unit_price") == [("901", "A", Decimal(10)), ("us-901", "us-A", Decimal(20))]
    assert rows(connection, "shopify_csv__products", "product_id", "price") == [
        ("A", Decimal(10)),
        ("us-A", Decimal(20)),
    ]
    assert rows(connection, "shopify_csv__product_keys", "product_key", "product_id") == [("A", "A"), ("A", "us-A")]


def test_what_cannot_be_read_of_an_order_is_said(connected, tmp_path):
    shop = write_orders(
        tmp_path, order(1, "$1,258.54") | item("A", "1", "10.00"), order(2, "5.00") | item("A", "1", "5.00")
    )
    connection = connected.build(shop)
    assert connection.execute("select table_name, reason from staging.rejected_rows order by all").fetchall() == [
        ("order_lines", "unreadable subtotal"), ("orders", "unreadable subtotal")]  # fmt: skip
    assert connection.execute("select order_id, net_revenue from intermediate.int_purchases").fetchall() == [
        ("902", Decimal(5))
    ]


def read_back(
    connected: ConnectedProject, plain: CompiledProject, given: Path, directory: Path, variables: dict
) -> None:
    """Write a shop as Shopify exports it, and assert that the same is built of it as of the contract's own files."""
    exported, direct = directory / "exported", directory / "direct"
    with plain.build(given) as connection:
        tables = clean_tables(plain, connection)
    told = shopify_csv.write(tables, exported / "shopify_csv")
    write_orders(exported, entry="shopify_us")
    others = tables.keys() - told.keys()
    write_contract(tables, exported, *others)
    write_contract(tables | told, direct, *tables)
    connected_sql = connected.project.compiled(exported, connectors=ENTRIES, **variables)
    for calendar in given.glob("*_campaigns.*"):
        for shop in (exported, direct):
            shutil.copy(calendar, shop)
    with plain.build(direct) as expected, connected_sql.build(exported) as found:
        expected_tables, found_tables = clean_tables(plain, expected), clean_tables(connected_sql, found)
        for table in shopify_csv.FEEDS:
            columns = [name for name in found_tables[table].column_names if name != "order_line_id"]
            assert table_rows(found_tables[table], columns) == table_rows(expected_tables[table], columns), table
        purchases = "select order_id, customer_id, net_revenue from intermediate.int_purchases order by all"
        assert found.execute(purchases).fetchall() == expected.execute(purchases).fetchall()
        assert segments_of(found) == segments_of(expected)
        assert connected_sql.failing_tests(found, "shopify_csv_revenue_reconciles") == []


def table_rows(table, columns: list[str]) -> list[tuple]:
    return sorted(zip(*(table[name].to_pylist() for name in columns)), key=repr)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_there_and_back(project, connected, tmp_path, seed):
    """What the export cannot say, sources/shopify_csv.py names."""
    write_shop(random_shop(seed, **SURROUNDINGS), tmp_path / "random", "parquet", shuffle_seed=seed)
    variables = SURROUNDINGS | {"as_of_date": str(SURROUNDINGS["as_of_date"])}
    plain = project.compiled(tmp_path / "random", **variables)
    read_back(connected, plain, tmp_path / "random", tmp_path, variables)


@pytest.mark.long
def test_the_demo_there_and_back(project, connected, tmp_path):
    variables = yaml.safe_load((PROJECT / "sample_data" / "demo.yml").read_text())
    plain = project.compiled(PROJECT / "data" / "demo", **variables)
    read_back(connected, plain, PROJECT / "data" / "demo", tmp_path, variables)


def test_the_sample_export_becomes_segments(connected, tmp_path):
    exports, copies = tmp_path / "shopify_csv", tmp_path / "copies"
    shutil.copytree(PROJECT / "sample_data" / "shopify_export", exports)
    assert told(connected_files("shopify_csv", {}, exports).prepare(copies)) == [
        "customers_export.csv: semicolons, apostrophes before customer_id, apostrophes before default_address_zip,"
        " apostrophes before phone, Windows-1252"
    ]
    settings = {"as_of_date": "2026-06-30", "shop_timezone": "Europe/Berlin"}
    write_orders(tmp_path, entry="shopify_us")
    with converted(copies):
        sql = connected.project.compiled(tmp_path, connectors=ENTRIES, **settings)
        built = sql.build(tmp_path)
    with built as connection:
        kept = "select table_name, kept_rows from staging.row_counts where received_rows > 0 order by all"
        assert connection.execute(kept).fetchall() == [
            ("customers", 406), ("order_lines", 1659), ("orders", 715), ("products", 523), ("refunds", 76),
        ]  # fmt: skip
        # All but those that ask for visits, mails, reviews, sales or birthdays.
        assert connection.execute("select count(*) from marts.segments where customers > 0").fetchone() == (24,)
        assert sql.failing_tests(connection, "shopify_csv_revenue_reconciles") == []
