"""PrestaShop's tables: each of its traps against rows worked out by hand, and whole shops there and back."""

import shutil
import tempfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow
import pytest
import yaml

from connected_shops import ConnectedProject, rows
from ecommerce_segments.engines.postgres_server import running_server
from ecommerce_segments.raw_contract import raw_contract
from project import PROJECT, Project, environment
from random_shops import CUSTOM_TRAITS, random_shop, write_shop
from sample_data.sources import prestashop
from there_and_back import clean_tables, segments_of, write_contract

# The tables that must be there, empty, and the order states as PrestaShop installs them.
TABLES = {
    "ps_customer": "id_customer,email,firstname,lastname,birthday,newsletter,newsletter_date_add,is_guest,deleted,"
                   "date_add,date_upd",
    "ps_currency": "id_currency,iso_code,conversion_rate\n1,EUR,1.000000\n2,USD,1.250000",
    "ps_order_state": "id_order_state,paid,shipped,delivery\n1,0,0,0\n2,1,0,0\n3,1,0,1\n4,1,1,1\n5,1,1,1\n6,0,0,0\n"
                      "7,0,0,0\n8,0,0,0\n9,1,0,0",
    "ps_orders": "id_order,id_customer,id_cart,id_currency,current_state,conversion_rate,total_shipping_tax_excl,"
                 "date_add,date_upd",
    "ps_order_detail": "id_order_detail,id_order,product_id,product_attribute_id,product_quantity,unit_price_tax_excl,"
                       "total_price_tax_excl,original_product_price,purchase_supplier_price",
    "ps_product": "id_product,id_category_default,reference,price,wholesale_price,date_add,date_upd",
}  # fmt: skip
CUSTOMER = "7,ann@x.test,Ann,Lee,1990-05-17,0,0000-00-00 00:00:00,0,0,2026-01-01 10:00:00,2026-01-02 10:00:00"
MAY = "2026-05-04 12:00:00,2026-05-04 12:00:00"


@pytest.fixture(scope="module")
def connected(tmp_path_factory):
    return ConnectedProject(
        tmp_path_factory.mktemp("prestashop"),
        {
            "prestashop": {"id_prefix": "", "cancelled_states": [6, 8, 20], "language": 2},
            "presta_us": {
                "connector": "prestashop", "table_prefix": "Shop_", "id_prefix": "us-", "timezone": "America/New_York",
            },
        },
        shop_timezone="Europe/Berlin",
    )  # fmt: skip


def write(directory: Path, tables: dict[str, str], entry: str = "prestashop") -> Path:
    """Write tables of a shop, each as the lines of a CSV file that follow what TABLES has of it, or all lines."""
    for folder in ("prestashop", "presta_us"):
        (directory / folder).mkdir(parents=True, exist_ok=True)
    for other in ("prestashop", "presta_us"):
        for name, lines in TABLES.items():
            path = directory / other / f"{name if other == 'prestashop' else name.replace('ps_', 'shop_')}.csv"
            if not path.exists():
                path.write_text(lines + "\n")
    for name, lines in tables.items():
        path = directory / entry / f"{name if entry == 'prestashop' else name.replace('ps_', 'shop_')}.csv"
        path.write_text((TABLES[name] + "\n" if name in TABLES else "") + lines + "\n")
    return directory


def test_the_state_of_an_order_tells_its_status(connected, tmp_path):
    states = {1: "pending", 2: "paid", 3: "fulfilled", 4: "fulfilled", 5: "fulfilled", 6: "cancelled", 7: "paid",
              8: "cancelled", 9: "paid", 20: "cancelled", 21: "21"}  # fmt: skip
    shop = write(tmp_path, {
        "ps_customer": CUSTOMER,
        "ps_orders": "\n".join(f"{state},7,0,1,{state},1,0,{MAY}" for state in states),
    })  # fmt: skip
    assert dict(rows(connected.read(shop), "prestashop__orders", "order_id", "status")) == {
        str(state): status for state, status in states.items()
    }


def test_local_times_hold_across_clock_changes(connected, tmp_path):
    local = {
        "before the clocks skip an hour": ("2026-03-29 01:59:59", datetime(2026, 3, 29, 0, 59, 59)),
        "an hour that they skip": ("2026-03-29 02:30:00", datetime(2026, 3, 29, 1, 30)),
        "after it": ("2026-03-29 03:00:00", datetime(2026, 3, 29, 1, 0)),
        "a day later": ("2026-03-30 02:30:00", datetime(2026, 3, 30, 0, 30)),
        "the first of two hours": ("2026-10-25 02:30:00", datetime(2026, 10, 25, 0, 30)),
        "after both": ("2026-10-25 03:00:00", datetime(2026, 10, 25, 2, 0)),
        "a day after both": ("2026-10-26 02:30:00", datetime(2026, 10, 26, 1, 30)),
    }  # fmt: skip
    shop = write(tmp_path, {
        "ps_orders": "\n".join(f"{name},0,0,1,2,1,0,{time},{time}" for name, (time, _) in local.items()),
    })  # fmt: skip
    found = connected.read(shop)
    assert dict(rows(found, "prestashop__orders", "order_id", "ordered_at")) == {
        name: moment for name, (_, moment) in local.items()
    }


def test_two_shops_with_the_same_ids_stay_apart_and_have_their_own_clocks(connected, tmp_path):
    order = f"1,7,3,2,2,1.25,0,{MAY}"
    line = "1,1,5,6,2,10,20,12,4"
    for entry in ("prestashop", "presta_us"):
        write(tmp_path, {"ps_customer": CUSTOMER, "ps_orders": order, "ps_order_detail": line}, entry)
    found = connected.read(tmp_path)
    assert rows(found, "prestashop__orders", "order_id", "customer_id", "ordered_at", "currency") == [
        ("1", "7", datetime(2026, 5, 4, 10), "USD"),
        ("us-1", "us-7", datetime(2026, 5, 4, 16), "USD"),
    ]
    assert rows(found, "prestashop__order_lines", "order_line_id", "order_id", "product_id") == [
        ("1", "1", "5-6"),
        ("us-1", "us-1", "us-5-6"),
    ]
    assert [row[0] for row in rows(found, "connected_customers", "customer_id")] == ["7", "us-7"]


def test_a_line_has_the_price_that_was_paid_its_price_before_and_its_cost(connected, tmp_path):
    # The shop rounds totals, so three at 3.333333 are 10.00 there: the price of a unit is not that by 3.
    # A cost of 4 euros is 5 dollars where a euro is 1.25 of them.
    shop = write(tmp_path, {
        "ps_orders": f"1,0,0,1,2,1,0,{MAY}\n2,0,0,2,2,1.25,0,{MAY}",
        "ps_order_detail": "1,1,5,0,3,3.333333,10.00,4.166667,0.000000\n2,1,5,,1,10,10,10,2\n3,2,6,9,1,12.5,12.5,9,4",
    })  # fmt: skip
    columns = ("order_line_id", "product_id", "quantity", "unit_price", "list_price", "unit_cost", "discount_amount")
    assert rows(connected.read(shop), "prestashop__order_lines", *columns) == [
        ("1", "5", Decimal(3), Decimal("3.333333"), Decimal("4.166667"), None, None),
        ("2", "5", Decimal(1), Decimal(10), None, Decimal(2), None),
        ("3", "6-9", Decimal(1), Decimal("12.5"), None, Decimal(5), None),
    ]


def test_a_discount_is_what_vouchers_took_off_the_goods(connected, tmp_path):
    # Of 14.90 with free shipping 4.90 are the shipping; a voucher for free shipping alone is none on goods.
    shop = write(tmp_path, {
        "ps_orders": "\n".join(f"{order},0,0,1,2,1,4.90,{MAY}" for order in (1, 2, 3)),
        "ps_order_cart_rule": "id_order,id_cart_rule,value,value_tax_excl,free_shipping,deleted\n"
            "1,1,17.73,14.90,1,0\n1,2,2.38,2.00,0,0\n1,3,59.50,50.00,0,1\n2,4,5.83,4.90,1,0",
        "ps_cart_rule": "id_cart_rule,code\n1,SPRING\n2,\n3,OLD\n4,SHIP",
    })  # fmt: skip
    assert rows(connected.read(shop), "prestashop__orders", "order_id", "discount_amount", "discount_code") == [
        ("1", Decimal(12), "SPRING"),
        ("2", Decimal(0), "SHIP"),
        ("3", Decimal(0), None),
    ]


def test_a_refund_is_at_most_what_was_paid_for_the_line(connected, tmp_path):
    # 150 and 60 less 20 % (42): 120 and 48 were paid. Slips know nothing of the voucher, and have shipping besides.
    # In the second order thirds of a discount of 10 are 3.333333, 3.333334 and 3.333333.
    shop = write(tmp_path, {
        "ps_orders": f"1,0,0,1,7,1,5,{MAY}\n2,0,0,1,2,1,0,{MAY}",
        "ps_order_detail": "11,1,5,0,1,150,150,150,0\n12,1,6,0,2,30,60,30,0\n"
            "21,2,5,0,1,30,30,30,0\n22,2,5,0,1,30,30,30,0\n23,2,5,0,1,30,30,30,0",
        "ps_order_cart_rule": "id_order,id_cart_rule,value_tax_excl,free_shipping,deleted\n"
            "1,1,42.00,0,0\n2,1,10.00,0,0",
        "ps_order_slip": "id_order_slip,id_order,amount,shipping_cost_amount,date_add,date_upd\n"
            f"1,1,180,6,{MAY}\n2,1,36,0,2026-05-05 12:00:00,2026-05-05 12:00:00\n"
            f"3,1,36,0,2026-05-06 12:00:00,2026-05-06 12:00:00\n4,2,108,0,{MAY}",
        "ps_order_slip_detail": "id_order_slip,id_order_detail,product_quantity,amount_tax_excl,amount_tax_incl\n"
            "1,11,1,150,180\n2,12,1,30,36\n3,12,1,30,36\n4,21,1,30,36\n4,22,1,30,36\n4,23,1,30,36\n9,11,1,1,1",
    })  # fmt: skip
    found = connected.read(shop)
    assert rows(found, "prestashop__refunds", "refund_id", "order_id", "order_line_id", "refunded_at", "amount") == [
        ("1-11", "1", "11", datetime(2026, 5, 4, 10), Decimal(120)),
        ("2-12", "1", "12", datetime(2026, 5, 5, 10), Decimal(30)),
        ("3-12", "1", "12", datetime(2026, 5, 6, 10), Decimal(18)),
        ("4-21", "2", "21", datetime(2026, 5, 4, 10), Decimal("26.666667")),
        ("4-22", "2", "22", datetime(2026, 5, 4, 10), Decimal("26.666666")),
        ("4-23", "2", "23", datetime(2026, 5, 4, 10), Decimal("26.666667")),
    ]
    assert rows(found, "prestashop__left_out", "table_name", "reason", "left_out_rows") == [
        ("refunds", "line of a credit slip that is not there", 1)
    ]


def test_a_row_that_was_landed_twice_counts_once(connected, tmp_path):
    # 150 less a voucher of 30: 120 went back, though the slip says 150.
    slip = f"1,1,180,6,{MAY}"
    shop = write(tmp_path, {
        "ps_orders": f"1,0,0,1,7,1,5,{MAY}\n1,0,0,1,2,1,5,2026-05-04 11:00:00,2026-05-04 11:00:00",
        "ps_order_detail": "11,1,5,0,1,150,150,150,0\n" * 2,
        "ps_order_cart_rule": "id_order_cart_rule,id_order,id_cart_rule,value_tax_excl,free_shipping,deleted\n"
            + "1,1,1,30.00,0,0\n" * 2,
        "ps_order_slip": f"id_order_slip,id_order,amount,shipping_cost_amount,date_add,date_upd\n{slip}\n{slip}",
        "ps_order_slip_detail": "id_order_slip,id_order_detail,product_quantity,amount_tax_excl,amount_tax_incl\n"
            + "1,11,1,150,180\n" * 2,
    })  # fmt: skip
    found = connected.read(shop)
    assert rows(found, "prestashop__orders", "order_id", "discount_amount") == [("1", Decimal(30))]
    assert rows(found, "prestashop__order_lines", "order_line_id", "unit_price") == [("11", Decimal(150))]
    assert rows(found, "prestashop__refunds", "refund_id", "amount") == [("1-11", Decimal(120))]


def test_guests_go_by_their_email_and_erased_customers_by_nothing(connected, tmp_path):
    # Ben ordered twice as a guest, and subscribed the second time and once more: his first subscribed account stays.
    shop = write(tmp_path, {
        "ps_customer": CUSTOMER + "\n"
            "8,ben@x.test,Ben,Ray,0000-00-00,0,,1,0,2026-01-01 10:00:00,2026-01-01 10:00:00\n"
            "9,ben@x.test,Ben,Ray,,1,2026-02-01 10:00:00,1,0,2026-02-01 10:00:00,2026-02-01 10:00:00\n"
            "10,Ben@x.test,Ben,Ray,,1,2026-03-01 10:00:00,1,0,2026-03-01 10:00:00,2026-03-01 10:00:00\n"
            "11,anonymous@psgdpr.com,Anonymous,Anonymous,,0,,0,0,2026-01-01 10:00:00,2026-01-01 10:00:00\n"
            "12,eve@x.test,Eve,Fox,,1,2026-01-05 10:00:00,0,1,2026-01-01 10:00:00,2026-01-06 10:00:00",
        "ps_orders": "\n".join(f"{customer},{customer},0,1,2,1,0,{MAY}" for customer in (7, 8, 9, 11, 99)),
    })  # fmt: skip
    found = connected.read(shop)
    assert rows(found, "prestashop__orders", "order_id", "customer_id", "email") == [
        ("11", None, None),
        ("7", "7", "ann@x.test"),
        ("8", None, "ben@x.test"),
        ("9", None, "ben@x.test"),
        ("99", "99", None),
    ]
    columns = ("customer_id", "birth_date", "email_consent", "email_consent_at", "created_at", "is_deleted")
    assert rows(found, "prestashop__customers", *columns) == [
        ("12", None, "subscribed", datetime(2026, 1, 5, 9), datetime(2026, 1, 1, 9), True),
        ("7", date(1990, 5, 17), "never", None, datetime(2026, 1, 1, 9), False),
        ("9", None, "subscribed", datetime(2026, 2, 1, 9), datetime(2026, 2, 1, 9), False),
    ]
    assert rows(found, "left_out_rows", "table_name", "reason", "left_out_rows") == [
        ("customers", "account of a guest, whose order goes by its email", 2),
        ("customers", "account that stands for erased customers", 1),
    ]


def test_an_account_has_its_newest_address(connected, tmp_path):
    shop = write(tmp_path, {
        "ps_customer": CUSTOMER,
        "ps_address": "id_address,id_customer,id_country,postcode,city,phone,phone_mobile,deleted,date_upd\n"
            "1,7,1,10115,Berlin,,,0,2026-01-01 10:00:00\n"
            "2,7,8,75001,Paris,+33140000000,+33600000000,0,2026-02-01 10:00:00\n"
            "3,7,1,20095,Hamburg,,,1,2026-03-01 10:00:00\n4,0,1,50667,Cologne,,,0,2026-03-01 10:00:00",
        "ps_country": "id_country,iso_code\n1,DE\n8,FR",
    })  # fmt: skip
    columns = ("customer_id", "country_code", "postal_code", "city", "phone")
    found = rows(connected.read(shop), "prestashop__customers", *columns)
    assert found == [("7", "FR", "75001", "Paris", "+33600000000")]


def test_products_are_combinations_and_other_systems_find_them(connected, tmp_path):
    # Product 5 has two combinations and was sold before it had any; product 6 has none; 7 was never sold without.
    shop = write(tmp_path, {
        "ps_product": f"5,2,SHIRT,20,8,{MAY}\n6,3,MUG,11.90,0,{MAY}\n7,3,HAT,5,1,{MAY}",
        "ps_product_attribute": "id_product_attribute,id_product,reference,price,wholesale_price,default_on\n"
            "40,5,SHIRT-S,0,0,\n41,5,SHIRT-L,1.5,9,1\n50,7,,0,0,1",
        "ps_product_lang": "id_product,id_shop,id_lang,name\n"
            "5,1,1,Shirt\n5,1,2,Chemise\n6,1,1,Mug\n7,2,2,Chapeau!\n7,1,2,Chapeau",
        "ps_category_lang": "id_category,id_shop,id_lang,name\n2,1,2,Vêtements\n3,1,1,Home",
        "ps_orders": f"1,0,0,1,2,1,0,{MAY}",
        "ps_order_detail": "1,1,5,0,1,20,20,20,0",
    })  # fmt: skip
    found = connected.read(shop)
    columns = ("product_id", "product_name", "category", "price", "unit_cost", "updated_at")
    at = datetime(2026, 5, 4, 10)
    assert rows(found, "prestashop__products", *columns) == [
        ("5", "Chemise", "Vêtements", Decimal(20), Decimal(8), at),
        ("5-40", "Chemise", "Vêtements", Decimal(20), Decimal(8), at),
        ("5-41", "Chemise", "Vêtements", Decimal("21.5"), Decimal(9), at),
        ("6", "Mug", "Home", Decimal("11.9"), None, at),
        ("7-50", "Chapeau", "Home", Decimal(5), Decimal(1), at),
    ]
    keys = dict(rows(found, "product_keys", "product_key", "product_id"))
    assert {key: keys[key] for key in ("5", "5-40", "7", "6", "SHIRT-L", "MUG", "HAT")} == {
        "5": "5-41", "5-40": "5-40", "7": "7-50", "6": "6", "SHIRT-L": "5-41", "MUG": "6", "HAT": "7-50",
    }  # fmt: skip


def test_prices_in_another_currency_than_the_reporting_one_are_none(connected, tmp_path):
    shop = write(tmp_path, {"ps_product": f"6,3,MUG,11.90,4,{MAY}"})
    currencies = "id_currency,iso_code,conversion_rate\n1,EUR,0.8\n2,USD,1\n"
    (shop / "prestashop" / "ps_currency.csv").write_text(currencies)
    assert rows(connected.read(shop), "prestashop__products", "product_id", "price", "unit_cost") == [("6", None, None)]


def test_carts_without_an_order_are_visits(connected, tmp_path):
    shop = write(tmp_path, {
        "ps_customer": CUSTOMER,
        "ps_orders": f"1,7,3,1,2,1,0,{MAY}",
        "ps_cart": "id_cart,id_customer,id_guest,date_add,date_upd\n"
            f"3,7,1,{MAY}\n4,7,1,{MAY}\n5,0,2,{MAY}\n6,0,0,{MAY}",
        "ps_cart_product": "id_cart,id_product,id_product_attribute,id_customization,quantity,date_add\n"
            "3,5,0,0,1,2026-05-04 12:05:00\n4,5,41,0,1,2026-05-04 12:05:00\n4,5,41,9,1,2026-05-04 12:04:00\n"
            "4,6,0,0,2,0000-00-00 00:00:00",
    })  # fmt: skip
    found = connected.read(shop)
    at = datetime(2026, 5, 4, 10)
    assert rows(found, "prestashop__sessions", "session_id", "visitor_id", "customer_id", "started_at") == [
        ("cart:4", "guest:1", "7", at),
        ("cart:5", "guest:2", None, at),
        ("cart:6", None, None, at),
    ]
    columns = ("event_id", "session_id", "event_type", "product_id", "occurred_at")
    assert rows(found, "prestashop__web_events", *columns) == [
        ("cart:4:5-41", "cart:4", "add_to_cart", "5-41", datetime(2026, 5, 4, 10, 4)),
        ("cart:4:6", "cart:4", "add_to_cart", "6", at),
    ]


def test_what_a_loader_saw_deleted_is_deleted(connected, tmp_path):
    shop = write(tmp_path, {"ps_orders": f"1,0,0,1,2,1,0,{MAY}"})
    (shop / "prestashop" / "ps_order_detail.csv").write_text(
        "ID_ORDER_DETAIL,ID_ORDER,PRODUCT_ID,PRODUCT_QUANTITY,UNIT_PRICE_TAX_EXCL,_FIVETRAN_DELETED,_FIVETRAN_SYNCED\n"
        "1,1,5,1,10,false,2026-05-05T00:00:00Z\n2,1,6,1,10,true,2026-05-05T00:00:00Z\n"
    )
    assert rows(connected.read(shop), "prestashop__order_lines", "order_line_id", "is_deleted", "loaded_at") == [
        ("1", False, datetime(2026, 5, 5)),
        ("2", True, datetime(2026, 5, 5)),
    ]


def test_a_shop_without_some_columns_and_with_ids_that_are_words(connected, tmp_path):
    # As in PrestaShop's own demo: states without `delivery`, accounts without times, nothing but an empty combination.
    shop = write(tmp_path, {"ps_orders": f"1,1,1,1,4,1,2.00,{MAY}"})
    for name, lines in {
        "ps_order_state": "id_order_state,name,logable,paid,shipped\n4,Shipped,1,1,1",
        "ps_customer": "id_customer,firstname,lastname,email,birthday,newsletter,newsletter_date_add,optin,is_guest\n"
            "1,John,DOE,pub@prestashop.com,1970-01-15,0,,0,0",
        "ps_order_detail": "id_order_detail,id_order,product_id,product_attribute_id,product_quantity,"
            "unit_price_tax_excl\n"
            "1,1,Mug_Today,,1,11.900000\n2,1,T-shirt,product_attribute_46,1,23.9",
    }.items():  # fmt: skip
        (shop / "prestashop" / f"{name}.csv").write_text(f"\ufeff{lines}\n", encoding="utf-8")
    found = connected.read(shop)
    assert rows(found, "prestashop__orders", "customer_id", "status") == [("1", "fulfilled")]
    assert rows(found, "prestashop__customers", "birth_date", "created_at") == [(date(1970, 1, 15), None)]
    assert rows(found, "prestashop__order_lines", "product_id", "unit_price") == [
        ("Mug_Today", Decimal("11.9")),
        ("T-shirt-product_attribute_46", Decimal("23.9")),
    ]


def test_delivery_is_when_the_order_first_became_delivered(connected, tmp_path):
    shop = write(tmp_path, {
        "ps_orders": f"1,0,0,1,5,1,0,{MAY}\n2,0,0,1,4,1,0,{MAY}",
        "ps_order_history": "id_order_history,id_order,id_order_state,date_add\n"
            "1,1,4,2026-05-05 12:00:00\n2,1,5,2026-05-07 12:00:00\n3,1,5,2026-05-08 12:00:00\n"
            "4,2,4,2026-05-05 12:00:00",
    })  # fmt: skip
    assert rows(connected.read(shop), "prestashop__orders", "order_id", "delivered_at") == [
        ("1", datetime(2026, 5, 7, 10)),
        ("2", None),
    ]


# ---------------------------------------------------------------- there and back

AS_OF, ZONE = date(2024, 10, 27), "Europe/Berlin"
VARIABLES = dict(
    as_of_date=str(AS_OF), shop_timezone=ZONE, reporting_currency="EUR", custom_traits=list(CUSTOM_TRAITS),
    max_rejected_rows=1_000_000, max_days_without_orders=None,
)  # fmt: skip


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The project on a shop's own files, and on those of a PrestaShop."""
    own, connected = tmp_path_factory.mktemp("own"), tmp_path_factory.mktemp("connected")
    write_shop(random_shop(0, AS_OF, ZONE), own / "shop")
    return (
        Project(own, **VARIABLES).compiled(own / "shop", **VARIABLES),
        ConnectedProject(write(connected, {}), {"prestashop": {}}, **VARIABLES),
    )


def with_combinations(tables: dict) -> dict:
    """The tables with every other product renamed, so that it is combination 3 of a product."""
    products = sorted(tables["products"]["product_id"].to_pylist())
    renamed = {product: f"{product}-3" for product in products[::2]}

    def rename(table):
        if "product_id" not in table.column_names:
            return table
        ids = [renamed.get(product, product) for product in table["product_id"].to_pylist()]
        place = table.column_names.index("product_id")
        return table.set_column(place, "product_id", pyarrow.array(ids, pyarrow.string()))

    return {name: rename(table) for name, table in tables.items()}


IS_THERE = "not coalesce(is_deleted, false)"


def typed(table: str, columns: list[str]) -> str:
    """The columns of a table in the types of the contract."""
    declared = raw_contract()[table]
    return ", ".join(f"cast({name} as {declared[name]['data_type']})" for name in columns if name != "is_deleted")


def assert_there_and_back(tables: dict, both, directory: Path) -> None:
    """Write a shop as a PrestaShop has it, build it, and build what PrestaShop says of it as its own files."""
    own, connected = both
    shop, told_shop = directory / "shop", directory / "told"
    told = prestashop.write(tables, shop / "prestashop", ZONE)
    rest = [name for name in tables if name not in prestashop.FEEDS]
    write_contract(tables, shop, *rest)
    write_contract(tables | told, told_shop, *tables)
    found, wanted = connected.build(shop), own.build(told_shop)
    for table in prestashop.FEEDS:
        columns = typed(table, told[table].column_names)
        here = found.execute(f"select {columns} from connectors.prestashop__{table} where {IS_THERE}").fetchall()
        there = wanted.execute(f"select {columns} from raw.{table}").fetchall()
        assert sorted(here, key=repr) == sorted(there, key=repr), table
    assert connected.whole.failing_tests(found, "prestashop_revenue_reconciles") == own.failing_tests(wanted)
    assert segments_of(found) == segments_of(wanted)
    assert found.execute("select count(*) from connectors.prestashop__sessions").fetchone() == (0,)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_shops_come_back_as_they_were(seed, both, tmp_path):
    shop = random_shop(seed, AS_OF, ZONE, custom_traits=CUSTOM_TRAITS)
    write_shop(shop, tmp_path / "dirty", "parquet", shuffle_seed=seed)
    own = both[0]
    tables = with_combinations(clean_tables(own, own.build(tmp_path / "dirty")))
    assert_there_and_back(tables, both, tmp_path)


@pytest.mark.long
def test_the_demo_comes_back_as_it_was(project, tmp_path):
    variables = yaml.safe_load((PROJECT / "sample_data" / "demo.yml").read_text())
    own = project.compiled(PROJECT / "data" / "demo", **variables)
    with own.build(PROJECT / "data" / "demo") as connection:
        tables = with_combinations(clean_tables(own, connection))
    connected = ConnectedProject(write(tmp_path / "none", {}), {"prestashop": {}}, **variables)
    assert_there_and_back(tables, (own, connected), tmp_path)


# ---------------------------------------------------------------- PostgreSQL


def load_to_postgres(shop: Path) -> None:
    """Load a shop's files as loaders do: flags as numbers or true and false, zero dates as null."""
    import psycopg2

    types = {"BIGINT": "bigint", "INTEGER": "smallint", "TIMESTAMP": "timestamp", "VARCHAR": "text"}
    with psycopg2.connect("") as server, server.cursor() as cursor:
        cursor.execute("drop schema if exists prestashop cascade; create schema prestashop")
        for path in sorted((shop / "prestashop").iterdir()):
            rows_of = duckdb.sql(
                "select * replace (is_guest = 1 as is_guest, nullif(birthday, '0000-00-00')::date as birthday,"
                f" nullif(newsletter_date_add, '0000-00-00 00:00:00')::timestamp as newsletter_date_add) from '{path}'"
                if path.stem == "ps_customer"
                else f"from '{path}'"
            )
            columns = [
                f"{name} {types.get(str(kind), str(kind))}" for name, kind in zip(rows_of.columns, rows_of.types)
            ]
            cursor.execute(f"create table prestashop.{path.stem} ({', '.join(columns)})")
            text = path.with_suffix(".to_load")
            rows_of.write_csv(str(text), header=False)
            with text.open() as file:
                cursor.copy_expert(f"copy prestashop.{path.stem} from stdin (format csv)", file)


@pytest.mark.postgres
def test_postgres_reads_what_was_written(both, tmp_path, tmp_path_factory):
    import psycopg2

    shop = random_shop(2, AS_OF, ZONE, custom_traits=CUSTOM_TRAITS)
    write_shop(shop, tmp_path / "dirty", "parquet", shuffle_seed=2)
    tables = with_combinations(clean_tables(both[0], both[0].build(tmp_path / "dirty")))
    told = prestashop.write(tables, tmp_path / "prestashop", ZONE)
    # An hour that the clocks show twice, and one that they skip.
    carts = "901 as id_cart, '0' as id_customer, 7 as id_guest, timestamp '2024-10-27 02:30:00' as date_add"
    duckdb.sql(f"select {carts} union all select 902, '0', 0, '2024-03-31 02:30:00'").write_parquet(
        str(tmp_path / "prestashop" / "ps_cart.parquet")
    )
    connectors = {"prestashop": {}}
    directory = Path(tempfile.mkdtemp(prefix="postgres-"))
    with running_server(directory) as variables, environment(**variables):
        load_to_postgres(tmp_path)
        sql = Project(tmp_path_factory.mktemp("postgres"), target="postgres", connectors=connectors, **VARIABLES)
        sql.dbt("run-operation", "create_raw_tables", connectors=connectors, **VARIABLES)
        sql.dbt("run", "--select", "path:models/connectors", connectors=connectors, **VARIABLES)
        with psycopg2.connect("") as server, server.cursor() as cursor:
            for table in prestashop.FEEDS:
                columns = told[table].column_names
                cursor.execute(f"select {typed(table, columns)} from connectors.prestashop__{table} where {IS_THERE}")
                wanted = duckdb.from_arrow(told[table]).select(typed(table, columns)).fetchall()
                assert sorted(cursor.fetchall(), key=repr) == sorted(wanted, key=repr), table
            cursor.execute("select session_id, visitor_id, started_at from connectors.prestashop__sessions")
            assert sorted(cursor.fetchall()) == [
                ("cart:901", "guest:7", datetime(2024, 10, 27, 0, 30)),
                ("cart:902", None, datetime(2024, 3, 31, 1, 30)),
            ]
    shutil.rmtree(directory)
