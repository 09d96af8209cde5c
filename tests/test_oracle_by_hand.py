"""Tiny shops computed by hand, which check the oracle itself on the rules that are easiest to get wrong."""

import os
import subprocess
import sys
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import oracle
import oracle_contact
import random_cases
from random_shops import random_shop, random_surroundings, read_shop, write_shop

AS_OF_DATE = date(2025, 3, 31)
EARLY = "2024-01-01 00:00"


def account(customer_id, email=None, **values):
    return {"customer_id": customer_id, "email": email, "created_at": EARLY, "updated_at": EARLY} | values


def order(order_id, customer_id, ordered_at, **values):
    return {"order_id": order_id, "customer_id": customer_id, "ordered_at": ordered_at, "status": "paid",
            "currency": "EUR", "updated_at": EARLY} | values


def line(order_id, unit_price, quantity="1", **values):
    return {"order_line_id": f"line of {order_id}", "order_id": order_id, "quantity": quantity,
            "unit_price": unit_price, "updated_at": EARLY} | values


def session(session_id, visitor_id=None, customer_id=None, **values):
    return {"session_id": session_id, "visitor_id": visitor_id, "customer_id": customer_id,
            "started_at": "2025-03-20 12:00"} | values


def web_event(event_id, session_id, event_type, occurred_at="2025-03-20 12:05", **values):
    return {"event_id": event_id, "session_id": session_id, "event_type": event_type,
            "occurred_at": occurred_at} | values


def email_event(event_id, event_type, customer_id=None, email=None, occurred_at="2025-03-20 12:00"):
    return {"event_id": event_id, "event_type": event_type, "customer_id": customer_id, "email": email,
            "occurred_at": occurred_at}


def review(review_id, customer_id, rating, reviewed_at="2025-03-20 12:00"):
    return {"review_id": review_id, "customer_id": customer_id, "rating": rating, "reviewed_at": reviewed_at}


def subscriber(customer_id, email=None, consented_at="2024-06-01 12:00", **values):
    return account(customer_id, email, email_consent="subscribed", email_consent_at=consented_at) | values


def segments_of(shop, customer_id, **parameters):
    return {name for name, members in compute(shop, **parameters).segments.items() if customer_id in members}


def purchases_on(customer_id, *dates, price="10.00"):
    """Return orders and order lines: one purchase of this price at noon of each date."""
    orders = [order(f"{customer_id} {position}", customer_id, f"{day} 12:00") for position, day in enumerate(dates)]
    return {"orders": orders, "order_lines": [line(order["order_id"], price) for order in orders]}


def joined(*shops):
    return {table: [row for shop in shops for row in shop.get(table, [])] for shop in shops for table in shop}


def compute(shop, **parameters):
    return oracle.compute(shop, **{"as_of_date": AS_OF_DATE} | parameters)


# ---------------------------------------------------------------- the raw contract


@pytest.mark.parametrize("text", [
    "2025-03-30 23:30", "2025-03-30T23:30:00", "2025-03-30T23:30:00.000Z", "2025-03-31 01:30+02:00",
    "2025-03-30T18:00:00-05:30", "2025-03-30 23:30 Z", "2025-03-30 23:30:00.0 UTC", "2025-03-30T23:30UTC",
    "2025-03-31 01:30 +0200", "2025-03-31 01:30:00+02",
])
def test_timestamps_in_all_spellings_are_one_moment(text):
    assert oracle.read_timestamp(text) == oracle.read_timestamp("2025-03-30T23:30Z")


@pytest.mark.parametrize(
    "text",
    [
        "2025-03-30",
        "2025-02-30 10:00",
        "2025-03-30 24:00",
        "2025-03-30 10",
        "1743290000",
        "2025-03-30 10:00+2",
        "2025-03-30 10:00  Z",
        "2025-03-30 10:00 CET",
        "2025-03-30 10:00 UTC+1",
        "2025-03-30 10:00+020",
    ],
)
def test_unreadable_timestamps(text):
    with pytest.raises(ValueError):
        oracle.read_timestamp(text)


@pytest.mark.parametrize("text", ["NaN", "inf", "1e5", "1_000", "1,5", "--1", "١", ""])
def test_unreadable_numbers(text):
    with pytest.raises(ValueError):
        oracle.read_number(text)


def test_the_newest_version_decides_also_one_that_breaks_the_contract():
    shop = {
        "orders": [
            order("o1", None, "2025-03-01 10:00"),
            order(
                "o1", None, "2025-03-01 10:00", status="refunded", updated_at="2025-03-05 00:00"
            ),  # the older one stays away
            order("o2", None, "2025-03-01 10:00"),
            order(
                "o2", None, "2025-03-01 10:00", status="refunded", updated_at="2023-12-31 00:00"
            ),  # older, whatever it says
            order("o3", None, "soon"),
            order("o4", None, "2025-03-01 10:00", status="refunded"),
            order("o4", None, "2025-03-01 10:00"),  # at one time the whole row comes first
            order("o5", None, "2025-03-01 10:00", status="refunded", updated_at="yesterday"),  # no version of anything
            order("o5", None, "2025-03-01 10:00"),
            order(None, None, "2025-03-01 10:00"),
        ],
        "order_lines": [
            line("o1", "50"),
            line("o2", "10"),
            line("o4", "10"),
            line("o5", "10"),
            line("o3", "40"),
            line("no such order", "20", order_line_id="moved"),
            line("o2", "30", order_line_id="moved", updated_at="2023-01-01 00:00"),  # an older version does not step in
        ],
    }
    result = compute(shop)
    assert {order_id: purchase["net_revenue"] for order_id, purchase in result.purchases.items()} == {
        "o2": 10,
        "o4": 10,
        "o5": 10,
    }
    assert result.counts["orders"] == oracle.TableCounts(received=10, kept=3, duplicates=3, rejected=4)
    assert result.counts["order_lines"] == oracle.TableCounts(received=7, kept=3, duplicates=1, rejected=3)


def test_rows_without_versions_are_judged_by_themselves():
    shop = {
        "sessions": [
            session("s1", "v1", started_at="2025-03-01 10:00", is_bot="maybe"),
            session("s1", "v1", started_at="2025-03-02 10:00"),
            session("s1", "v1", started_at="2025-03-03 10:00"),
        ]
    }
    result = compute(shop)
    assert [row["started_on"] for row in result.shop.sessions.values()] == [date(2025, 3, 2)]
    assert result.counts["sessions"] == oracle.TableCounts(received=3, kept=1, duplicates=1, rejected=1)


@pytest.mark.parametrize(
    "versions, counts",
    [
        ([{"is_deleted": "true", "status": "gone", "ordered_at": None, "currency": None}], (1, 0, 0, 0, 1)),
        ([{}, {"is_deleted": "yes"}], (2, 0, 1, 0, 1)),  # at one time a deletion comes first
        ([{}, {"is_deleted": "yes", "updated_at": "2023-12-31 00:00"}], (2, 1, 1, 0, 0)),  # it came back
        (
            [{}, {"is_deleted": "yes", "updated_at": "2025-04-30 00:00"}],
            (2, 0, 1, 0, 1),
        ),  # versions are no facts: after the as-of date too
        ([{}, {"is_deleted": "perhaps", "updated_at": "2025-03-30 00:00"}], (2, 0, 1, 1, 0)),
        ([{}, {"is_deleted": "yes", "updated_at": "perhaps"}], (2, 1, 0, 1, 0)),
        ([{}, {"is_deleted": "no"}], (2, 1, 1, 0, 0)),
    ],
)
def test_a_deleted_order_takes_its_lines_along(versions, counts):
    shop = {
        "orders": [order("o1", None, "2025-03-01 10:00") | version for version in versions],
        "order_lines": [line("o1", "10")],
        "refunds": [
            {"refund_id": "r1", "order_id": "o1", "amount": "1", "refunded_at": "2025-03-02 10:00", "updated_at": EARLY}
        ],
    }
    result, is_alive = compute(shop), counts[1] == 1
    assert result.counts["orders"] == oracle.TableCounts(*counts)
    for table in ("order_lines", "refunds"):
        assert result.counts[table] == oracle.TableCounts(1, int(is_alive), 0, int(not is_alive))


def test_custom_traits_are_judged_by_the_register():
    register = (
        {"name": "size", "type": "text", "values": ["S", "M"]},
        {"name": "points", "type": "number"},
        {"name": "vip", "type": "boolean"},
        {"name": "since", "type": "date"},
    )
    values = [
        ("size", "S"),
        ("size", "XL"),
        ("points", "12.5"),
        ("points", "many"),
        ("vip", "YES"),
        ("vip", "2"),
        ("since", "2025-02-28"),
        ("since", "2025-02-29"),
        ("Size", "S"),
        ("size", None),
    ]
    rows = [
        {"customer_id": str(number), "trait": trait, "value": value, "updated_at": EARLY}
        for number, (trait, value) in enumerate(values)
    ]
    rows += [{"customer_id": "0", "trait": "points", "value": "1", "updated_at": EARLY},  # another key
             {"customer_id": "0", "trait": "size", "value": "M", "updated_at": "2025-01-01 00:00"}]
    result = compute({"custom_traits": rows}, custom_traits=register)
    assert {(row["customer_id"], row["value"]) for row in result.raw.tables["custom_traits"]} == {
        ("0", "M"), ("0", "1"), ("2", "12.5"), ("4", "YES"), ("6", "2025-02-28")}
    assert result.counts["custom_traits"] == oracle.TableCounts(received=12, kept=5, duplicates=1, rejected=6)


@pytest.mark.parametrize(
    "zone, text, moment",
    [
        ("Europe/Madrid", "2025-07-01 00:30", "2025-06-30T22:30Z"),
        ("Europe/Madrid", "2025-07-01 00:30Z", "2025-07-01T00:30Z"),
        ("Europe/Madrid", "2024-10-27 02:30", "2024-10-27T00:30Z"),  # the hour that occurs twice is the first one
        (
            "Europe/Madrid",
            "2025-03-30 02:30",
            "2025-03-30T01:30Z",
        ),  # half past three: the hour that does not exist moves forward
        ("America/New_York", "2025-03-09 02:00", "2025-03-09T07:00Z"),
    ],
)
def test_naive_timestamps_in_a_zone(zone, text, moment):
    assert oracle.read_timestamp(text, ZoneInfo(zone)) == oracle.read_timestamp(moment)


def test_a_zone_per_table_and_never_for_loaded_at():
    orders = [order("o1", None, "2025-04-01 01:00", loaded_at="2025-04-01 01:00")]
    shop = {"orders": orders, "order_lines": [line("o1", "10")]}
    assert compute(shop).purchases == {}
    for zones in ("Europe/Madrid", {"orders": "Europe/Madrid"}):
        result = compute(shop, naive_timestamps=zones)
        assert result.purchases["o1"]["purchased_on"] == AS_OF_DATE
        assert result.raw.tables["orders"][0]["loaded_at"] == oracle.read_timestamp("2025-04-01T01:00Z")
    assert compute(shop, naive_timestamps={"order_lines": "Europe/Madrid"}).purchases == {}


def test_a_bad_descriptive_value_costs_no_row():
    result = compute({"customers": [account("c1", phone="0170 123", birth_date="1990-02-30", email_consent=" ")]})
    assert [(repair.column, repair.raw_value) for repair in result.repaired] == [
        ("phone", "0170 123"), ("birth_date", "1990-02-30")]
    assert set(result.customer_contacts["c1"].values()) == {None}


# ---------------------------------------------------------------- 1. time


def test_dates_are_those_of_the_shop():
    shop = {"customers": [account("c1")], **purchases_on("c1", "2025-03-31")}
    shop["orders"][0]["ordered_at"] = "2025-03-31 22:30"  # half past midnight of April 1 in Berlin, in summer time
    assert compute(shop, shop_timezone="Europe/Berlin").purchases == {}
    assert compute(shop, shop_timezone="UTC").customers["c1"]["recency_days"] == 0


def test_last_12_months_begin_after_the_same_day():
    leap_day = oracle.Calendar(date(2024, 2, 29), "UTC")
    assert not leap_day.in_last_12_months(date(2023, 2, 28))
    assert leap_day.in_last_12_months(date(2023, 3, 1))
    assert oracle.Calendar(date(2025, 2, 28), "UTC").in_last_12_months(date(2024, 2, 29))


# ---------------------------------------------------------------- 2. customers


def test_accounts_of_one_email_are_the_customer_created_first():
    shop = {"customers": [
        account("b", " ANN@x.de", city="new", updated_at="2025-01-02 00:00"),
        account("a", "ann@x.de", city="old"),
        account("Z", "ann@X.de\t", city="older", created_at="2024-01-01 01:00"),
        account("c", "ann at x.de"),
    ]}
    result = compute(shop)
    assert result.customer_accounts == {"b": "a", "a": "a", "Z": "a", "c": "c"}
    assert result.customers["a"]["city"] == "new"
    assert result.customer_contacts["a"]["email"] == "ann@x.de"


def test_a_shared_address_merges_nobody():
    shop = {"customers": [account(name, "office@x.de") for name in "abc"],
            "orders": [order("o1", None, "2025-03-01 10:00", email="office@x.de")],
            "order_lines": [line("o1", "10")]}
    result = compute(shop, max_accounts_per_email=2)
    assert set(result.customers) == {"a", "b", "c"}
    assert result.purchases["o1"]["customer_id"] is None
    assert set(compute(shop, max_accounts_per_email=3).customers) == {"a"}


def test_a_guest_registers():
    guest_id = oracle.guest_id("ann@x.de")
    shop = {"customers": [account("c1", "ann@x.de", created_at="2025-03-20 08:00")],
            "orders": [order("o1", None, "2025-03-10 10:00", email="Ann@x.de", status="cancelled"),
                       order("o2", "nobody", "2025-03-15 10:00", email="ann@x.de")],
            "order_lines": [line("o2", "10")]}
    before = compute(shop, as_of_date=date(2025, 3, 19))
    assert before.customer_accounts == {guest_id: guest_id}
    assert before.customers[guest_id]["created_on"] == date(2025, 3, 10)
    assert before.customers[guest_id]["purchase_count"] == 1
    after = compute(shop)
    assert after.customer_accounts == {"c1": "c1", guest_id: "c1"}
    assert after.customers["c1"]["purchase_count"] == 1


def test_an_account_is_known_from_its_first_order():
    shop = {"customers": [account("c1", created_at="2025-04-10 08:00")], **purchases_on("c1", "2025-03-31")}
    assert set(compute(shop).customers) == {"c1"}
    shop["orders"][0]["is_test"] = "yes"
    assert compute(shop).customers == {}


def test_one_test_account_makes_a_test_customer():
    shop = {"customers": [account("a", "ann@x.de"), account("b", "ann@x.de", is_test="T")],
            **purchases_on("a", "2025-03-01")}
    result = compute(shop)
    assert (result.customers, result.purchases, result.customer_accounts) == ({}, {}, {})


@pytest.mark.parametrize("answers, consented_on", [
    ([("subscribed", "2025-01-05 10:00"), ("unsubscribed", "2025-01-05T12:00+02:00")], None),  # a tie: refusal wins
    ([("subscribed", "2025-01-05 10:01"), ("unsubscribed", "2025-01-05 10:00")], date(2025, 1, 5)),
    ([("subscribed", None), ("unsubscribed", "2025-04-01 00:00")], date(2024, 1, 1)),  # refused after the as-of date
    ([("never", "2025-01-05 10:00"), ("subscribed", "2024-06-01 10:00")], date(2024, 6, 1)),  # never is no answer
])
def test_the_newest_explicit_answer_is_the_consent(answers, consented_on):
    shop = {"customers": [account(f"c{position}", "ann@x.de", email_consent=answer, email_consent_at=answered_at)
                          for position, (answer, answered_at) in enumerate(answers)]}
    customer = compute(shop).customers["c0"]
    assert (customer["consented_on"], customer["is_subscribed"]) == (consented_on, consented_on is not None)


@pytest.mark.parametrize("occurred_at, is_subscribed", [
    ("2025-01-05 09:59:59", True), ("2025-01-05 10:00", False), ("2025-04-01 00:00", True)])
def test_an_unsubscribe_at_or_after_the_consent_ends_it(occurred_at, is_subscribed):
    shop = {"customers": [account("c1", "ann@x.de", email_consent="subscribed", email_consent_at="2025-01-05 10:00")],
            "email_events": [{"event_id": "e1", "email": "ANN@x.de", "event_type": "unsubscribe",
                              "occurred_at": occurred_at}]}
    assert compute(shop).customers["c1"]["is_subscribed"] is is_subscribed


def test_a_visitor_of_one_customer_lends_its_anonymous_sessions():
    shop = {"customers": [account("a"), account("b")],
            "sessions": [session("1", "v1", "a"), session("2", "v1"), session("3", "v1", "nobody"),
                         session("4", "v1", "b", is_bot="yes"), session("5", "v1", "b", started_at="2025-04-02 10:00")]}
    assert compute(shop).customers["a"]["sessions_30d"] == 3
    shop["sessions"].append(session("6", "v1", "b"))
    customers = compute(shop).customers
    assert (customers["a"]["sessions_30d"], customers["b"]["sessions_30d"]) == (1, 1)


def test_an_email_event_belongs_to_its_account_else_to_its_email():
    shop = {"customers": [account("a", "ann@x.de"), account("b", "bob@x.de"), account("t", "tim@x.de", is_test="yes"),
                          account("late", created_at="2025-04-01 08:00"),
                          *(account(name, "office@x.de") for name in ("o1", "o2", "o3"))],
            "orders": [order("1", None, "2025-03-01 10:00", email="guest@x.de", status="cancelled")],
            "email_events": [
                email_event("1", "click", "a", "bob@x.de"), email_event("2", "click", "late", " BOB@x.de"),
                email_event("3", "click", "nobody", "guest@x.de"), email_event("4", "click", None, "office@x.de"),
                email_event("5", "click", "t", "bob@x.de"), email_event("6", "click", "o1", "bob@x.de"),
                email_event("7", "click", None, "ann@x.de", "2025-04-01 00:00")]}
    customers = compute(shop, max_accounts_per_email=2).customers
    assert {customer_id: customer["email_clicks_30d"] for customer_id, customer in customers.items()} == {
        "a": 1, "b": 1, oracle.guest_id("guest@x.de"): 1, "o1": 1, "o2": 0, "o3": 0}


@pytest.mark.parametrize("values, created_on", [
    ({"email_consent_at": "2025-03-10 10:00"}, date(2025, 3, 5)),  # its first order that is no test
    ({"customer_id": "b", "email_consent_at": "2025-03-10 10:00"}, date(2025, 3, 10)),
    ({"customer_id": "b", "email_consent_at": "never"}, date(2024, 1, 1)),  # updated_at
    ({"created_at": "2025-03-20 10:00"}, date(2025, 3, 5)),
    ({"customer_id": "c"}, date(2024, 1, 1)),  # its first order is yet to come
    ({"customer_id": "c", "email_consent_at": "2025-04-02 10:00"}, None),
])
def test_when_an_account_began(values, created_on):
    shop = {"customers": [account("a") | {"created_at": None} | values],
            "orders": [order("1", "a", "2025-03-01 10:00", is_test="yes"), order("2", "a", "2025-03-06 10:00"),
                       order("3", "a", "2025-03-05 10:00", status="cancelled"), order("4", "c", "2025-04-01 10:00")]}
    assert [customer["created_on"] for customer in compute(shop).customers.values()] == (
        [created_on] if created_on else []
    )


@pytest.mark.parametrize("email, compared", [
    ("\ufeff\u200bAnn@x.de\u00a0", "ann@x.de"), ("\u2060ann@x.de \u200d\u200c", "ann@x.de"), ("an\u200bn@x.de", None),
    ("ann@x\u00a0y.de", None), ("ann@x.d\ufeffe", None), ("ann\u2060@x.de", None), ("\u200b", None), ("ann@x", None)])
def test_emails_are_compared_without_what_is_invisible_around_them(email, compared):
    assert oracle.normalized_email(email) == compared


def former_address_shop(*customers):
    """Ann had old@x.de, under which she ordered; a guest's order and an unsubscribe carry it too."""
    return {
        "customers": [subscriber("ann", "new@x.de"), *customers],
        "orders": [
            order("1", "ann", "2025-03-01 10:00", email="OLD@x.de", status="cancelled"),
            order("2", None, "2025-03-02 10:00", email="old@x.de"),
        ],
        "order_lines": [line("2", "10")],
        "email_events": [
            email_event("1", "click", None, "old@x.de"),
            email_event("2", "unsubscribe", None, " old@x.de"),
        ],
    }


def test_a_former_address_is_its_customers():
    result, guest = compute(former_address_shop()), oracle.guest_id("old@x.de")
    assert result.customer_accounts == {"ann": "ann", guest: "ann"}
    ann = result.customers["ann"]
    assert (ann["purchase_count"], ann["email_clicks_30d"], ann["is_subscribed"]) == (1, 1, False)
    assert result.customer_contacts["ann"]["email"] == "new@x.de"


def test_a_refusal_under_a_former_address_holds_also_where_another_account_gave_it():
    shop = former_address_shop(subscriber("bob", "bob@x.de"), subscriber("eve", "eve@x.de"))
    shop["email_events"] = [
        email_event("1", "complaint", "bob", "old@x.de"),
        email_event("2", "bounce", None, "old@x.de"),
    ]
    customers = compute(shop).customers
    assert [customers[name]["is_contactable_by_email"] for name in ("ann", "bob", "eve")] == [False, False, True]


@pytest.mark.parametrize(
    "change",
    [
        "an account has it",
        "two customers carry it",
        "the order is a test",
        "it is yet to come",
        "the account is unknown",
    ],
)
def test_what_is_no_former_address(change):
    shop = former_address_shop(subscriber("bob", "bob@x.de"))
    if change == "an account has it":
        shop["customers"][1]["email"] = "old@x.de"
    if change == "two customers carry it":
        shop["orders"].append(order("3", "bob", "2025-03-03 10:00", email="old@x.de"))
    shop["orders"][0] |= {
        "the order is a test": {"is_test": "yes"},
        "it is yet to come": {"ordered_at": "2025-04-01 00:00"},
        "the account is unknown": {"customer_id": "nobody"},
    }.get(change, {})
    result = compute(shop)
    owner = result.purchases["2"]["customer_id"]
    assert owner == ("bob" if change == "an account has it" else oracle.guest_id("old@x.de"))
    assert result.customers["ann"]["is_subscribed"] and result.customers["ann"]["purchase_count"] == 0


def test_two_accounts_of_one_customer_have_one_former_address():
    shop = former_address_shop(subscriber("anna", "new@x.de"))
    shop["orders"].append(order("3", "anna", "2025-03-03 10:00", email="old@x.de"))
    assert compute(shop).purchases["2"]["customer_id"] == "ann"


@pytest.mark.parametrize("visitor_id", [None, "undefined", "NULL", "(not set)", "-1", "0", "None", "NaN", "Unknown"])
def test_a_visitor_id_that_means_none_lends_nothing(visitor_id):
    shop = {
        "customers": [account("a")],
        "sessions": [session("1", visitor_id, "a"), session("2", visitor_id), session("3", visitor_id, "nobody")],
    }
    result = compute(shop)
    assert result.customers["a"]["sessions_30d"] == 1
    assert len(result.shop.sessions) == 3
    assert compute(shop, junk_ids=()).customers["a"]["sessions_30d"] == (1 if visitor_id is None else 3)


def test_the_sessions_of_a_test_customer_make_a_visitor_a_shared_one():
    shop = {
        "customers": [account("a"), account("t", is_test="yes")],
        "sessions": [
            session("1", "v1", "a"),
            session("2", "v1"),
            session("3", "v1", "t"),
            session("4", "v2", "t"),
            session("5", "v2"),
        ],
    }
    result = compute(shop)
    assert result.customers["a"]["sessions_30d"] == 1
    assert set(result.shop.sessions) == {"1", "2"}  # what the tests did is left out


# ---------------------------------------------------------------- 3. purchases and money


@pytest.mark.parametrize("unit_price, currency, net_revenue", [
    ("0.004", "EUR", []), ("0.005", "EUR", ["0.01"]), ("0.015", "EUR", ["0.02"]), ("2.675", "EUR", ["2.68"]),
    ("0.25", "USD", ["0.13"]),  # 0.25 x 0.5 = 0.125: a tie goes away from zero
])
def test_net_revenue_is_rounded_half_up_per_order(unit_price, currency, net_revenue):
    shop = {"customers": [account("c1")], **purchases_on("c1", "2025-03-02", price=unit_price),
            "exchange_rates": [{"rate_date": "2025-03-02", "currency": "USD", "rate": "0.5"},
                               {"rate_date": "2025-03-03", "currency": "USD", "rate": "0.9"}]}
    shop["orders"][0]["currency"] = currency
    purchases = compute(shop).purchases
    assert [str(purchase["net_revenue"]) for purchase in purchases.values()] == net_revenue


def test_an_order_without_a_rate_is_rejected_with_its_lines():
    shop = purchases_on(None, "2025-03-01") | {
        "exchange_rates": [{"rate_date": "2025-03-02", "currency": "USD", "rate": "0.5"}]}
    shop["orders"][0]["currency"] = "USD"
    assert [(row.table, row.reason) for row in compute(shop).rejected] == [
        ("orders", "no rate for currency"), ("order_lines", "unknown order_id")]


def test_refunds_discounts_and_cost():
    products = [{"product_id": "p1", "category": "hats", "unit_cost": "4", "updated_at": EARLY},
                {"product_id": "p2", "category": "shoes", "updated_at": EARLY}]
    shop = {
        "products": products,
        "orders": [order("o1", None, "2025-03-01 10:00", discount_amount="1"), order("o2", None, "2025-03-01 10:00")],
        "order_lines": [
            line("o1", "10", "2", product_id="p1", order_line_id="l1"),
            line("o1", "30", product_id="p2", discount_amount="5", order_line_id="l2"),
            line("o2", "10", product_id="p1", list_price="10.00", order_line_id="l3")],
        "refunds": [
            {"refund_id": "r1", "order_id": "o1", "order_line_id": "l2", "amount": "15"},
            {"refund_id": "r2", "order_id": "o1", "order_line_id": "l2", "amount": "10"},
            {"refund_id": "r3", "order_id": "o2", "order_line_id": "l1", "amount": "9"}],  # another order's line
    }
    shop["refunds"] = [{"refunded_at": "2025-03-31 10:00", "updated_at": EARLY} | refund for refund in shop["refunds"]]
    purchases = compute(shop).purchases
    # o1: 20 + 30 - 5 - 1 - 25 = 19; its second line is fully refunded, so its unknown cost does not matter
    assert purchases["o1"] == {
        "customer_id": None, "purchased_on": date(2025, 3, 1), "net_revenue": Decimal(19), "cost": Decimal(8),
        "delivered_on": None,
        "gross_margin": Decimal(11), "is_discounted": True, "categories": {"hats"},
        "products": {"p1"}, "products_ever": {"p1", "p2"}}
    assert (purchases["o2"]["net_revenue"], purchases["o2"]["cost"], purchases["o2"]["is_discounted"]) == (1, 4, False)
    # a day earlier the refunds are not yet visible
    purchase = compute(shop, as_of_date=date(2025, 3, 30)).purchases["o1"]
    assert (purchase["net_revenue"], purchase["cost"], purchase["gross_margin"]) == (44, None, None)


def test_an_order_whose_newest_status_is_unknown_counts_as_nothing():
    shop = {"customers": [account("c1")], **purchases_on("c1", "2025-03-01", price="50.00")}
    shop["orders"].append(shop["orders"][0] | {"status": "refunded", "updated_at": "2025-03-02 10:00"})
    result = compute(shop)
    assert result.purchases == {} and not result.customers["c1"]["has_ordered"]


def test_a_line_edited_to_quantity_0_leaves_its_order():
    shop = {
        "products": [{"product_id": "p1", "category": "hats", "unit_cost": "12", "updated_at": EARLY}],
        "orders": [order("o1", None, "2025-03-01 10:00")],
        "order_lines": [
            line("o1", "30", product_id="p1", order_line_id="l1"),
            line("o1", "100", order_line_id="l2", list_price="120"),
        ],
    }
    assert (compute(shop).purchases["o1"]["net_revenue"], compute(shop).purchases["o1"]["cost"]) == (130, None)
    shop["order_lines"].append(
        line("o1", "100", "0", order_line_id="l2", list_price="120", discount_amount="5", updated_at="2025-03-02 10:00")
    )
    result = compute(shop)
    purchase = result.purchases["o1"]
    assert (purchase["net_revenue"], purchase["cost"], purchase["is_discounted"], purchase["categories"]) == (
        30,
        12,
        False,
        {"hats"},
    )
    assert result.counts["order_lines"] == oracle.TableCounts(received=3, kept=2, duplicates=1)


def test_a_refund_of_amount_0_was_taken_back():
    shop = purchases_on(None, "2025-03-01", price="50.00")
    shop["refunds"] = [
        {
            "refund_id": "r1",
            "order_id": "None 0",
            "order_line_id": "line of None 0",
            "amount": amount,
            "refunded_at": "2025-03-02 10:00",
            "updated_at": f"2025-03-0{day} 10:00",
        }
        for day, amount in ((2, "20.00"), (3, "0"))
    ]
    assert compute(shop).purchases["None 0"]["net_revenue"] == 50
    shop["refunds"].pop()
    assert compute(shop).purchases["None 0"]["net_revenue"] == 30


def test_gift_cards_are_no_sale():
    shop = {
        "customers": [account("c1")],
        "products": [
            {"product_id": "card", "category": "cards", "is_gift_card": "t", "updated_at": EARLY},
            {"product_id": "hat", "category": "hats", "unit_cost": "4", "updated_at": EARLY},
        ],
        "orders": [order("alone", "c1", "2025-03-01 10:00"), order("mixed", "c1", "2025-03-02 10:00")],
        "order_lines": [
            line("alone", "50", product_id="card", order_line_id="1"),
            line("mixed", "10", product_id="hat", order_line_id="2"),
            line("mixed", "50", product_id="card", discount_amount="5", order_line_id="3"),
        ],
    }
    result = compute(shop)
    assert result.purchases == {
        "mixed": {
            "customer_id": "c1",
            "purchased_on": date(2025, 3, 2),
            "delivered_on": None,
            "net_revenue": 10,
            "cost": 4,
            "gross_margin": 6,
            "is_discounted": False,
            "categories": {"hats"},
            "products": {"hat"},
            "products_ever": {"hat"},
        }
    }
    assert result.customers["c1"]["purchase_count"] == 1
    shop["orders"].pop()
    result = compute(shop)
    assert result.customers["c1"]["has_ordered"] and not result.customers["c1"]["purchase_count"]


@pytest.mark.parametrize(
    "refunded, prices, discount, is_refunded",
    [
        ("40", ["50", "50"], "20", True),
        ("39.99", ["50", "50"], "20", False),  # a shirt of 50 in an order of 100 with 20 off
        ("6.66", ["10", "10", "10"], "10", True),
        ("6.65", ["10", "10", "10"], "10", False),  # a share of 3.333... is 3.34
        ("50", ["50", "50"], "0", True),
        ("49.99", ["50", "50"], "0", False),
        ("9.99", ["10", "1000"], "0.001", True),  # any share is a cent at least
    ],
)
def test_fully_refunded_is_what_was_paid_for_the_line(refunded, prices, discount, is_refunded):
    lines = [
        line("o1", price, order_line_id=str(number), product_id="hat" if number == 0 else "other")
        for number, price in enumerate(prices)
    ]
    lines += [
        line("o1", "100", "0", order_line_id="gone"),
        line("o1", "100", product_id="card", order_line_id="card"),
    ]  # they have no share
    shop = {
        "products": [
            {"product_id": "hat", "category": "hats", "updated_at": EARLY},
            {"product_id": "other", "unit_cost": "1", "updated_at": EARLY},
            {"product_id": "card", "is_gift_card": "1", "updated_at": EARLY},
        ],
        "orders": [order("o1", None, "2025-03-01 10:00", discount_amount=discount)],
        "order_lines": lines,
        "refunds": [
            {
                "refund_id": "r1",
                "order_id": "o1",
                "order_line_id": "0",
                "amount": refunded,
                "refunded_at": "2025-03-02 10:00",
                "updated_at": EARLY,
            }
        ],
    }
    purchase = compute(shop).purchases["o1"]
    assert purchase["categories"] == (set() if is_refunded else {"hats"})
    assert purchase["cost"] == (len(prices) - 1 if is_refunded else None)


def test_the_cost_of_a_line_is_in_the_currency_of_its_order():
    shop = {
        "products": [{"product_id": "hat", "unit_cost": "4", "updated_at": EARLY}],
        "orders": [order("o1", None, "2025-03-01 10:00", currency="USD")],
        "order_lines": [
            line("o1", "10", "2", product_id="hat", order_line_id="1"),
            line("o1", "10", "2", product_id="hat", unit_cost="3", order_line_id="2"),
            line("o1", "10", unit_cost="0", order_line_id="3"),
            line("o1", "10", product_id="hat", unit_cost="-1", order_line_id="4"),
        ],
        "exchange_rates": [{"rate_date": "2025-03-01", "currency": "USD", "rate": "0.5"}],
    }
    result = compute(shop)
    assert result.purchases["o1"]["cost"] == 8 + 3 + 0 + 4
    assert [(repair.key, repair.column) for repair in result.repaired] == [("4", "unit_cost")]


# ---------------------------------------------------------------- 4. RFM


def test_equal_values_score_equally_and_a_majority_scores_1():
    names = ["a", "b", "c", "d", "e"]
    shop = joined(
        {"customers": [account(name) for name in names]},
        *(purchases_on(name, "2025-03-01") for name in names[:4]), purchases_on("e", "2025-03-01", "2025-03-02"))
    customers = compute(shop).customers
    assert [customers[name]["frequency_score"] for name in names] == [1, 1, 1, 1, 5]
    assert [customers[name]["recency_score"] for name in names] == [1, 1, 1, 1, 5]
    assert [customers[name]["monetary_score"] for name in names] == [1, 1, 1, 1, 1]
    assert [customers[name]["revenue_score"] for name in names] == [1, 1, 1, 1, 5]
    assert {customers[name]["visit_score"] for name in names} == {None}
    assert (customers["e"]["rfm_code"], customers["e"]["rfm_group"]) == ("551", "potential_loyalists")


def test_monetary_value_is_an_average_in_decimals():
    shop = joined(
        {"customers": [account("a"), account("b"), account("c")]},
        purchases_on("a", "2025-03-01", price="0.20"), purchases_on("b", "2025-03-01", "2025-03-02", "2025-03-03"),
        purchases_on("c", "2025-03-01", "2025-03-02", "2025-03-03", price="1.00"))
    for order_line, price in zip(shop["order_lines"][1:4], ["0.10", "0.20", "0.30"]):
        order_line["unit_price"] = price
    shop["order_lines"][-1]["unit_price"] = "1.01"
    customers = compute(shop).customers
    averages = [Decimal("0.2"), Decimal("0.2"), Decimal("1.003333")]
    assert [customers[name]["monetary_value"] for name in "abc"] == averages
    assert [customers[name]["monetary_score"] for name in "abc"] == [1, 1, 4]  # 1 + floor(5 x 2 / 3) = 4


def test_thresholds_are_the_smallest_and_largest_value_of_a_score():
    shop = joined({"customers": [account("a"), account("b"), account("lead")]},
                  purchases_on("a", "2025-03-01"), purchases_on("b", "2025-03-01", "2025-03-02", "2025-03-03"))
    quintiles = compute(shop).rfm_thresholds
    assert len(quintiles) == 25
    assert (quintiles["frequency", 1], quintiles["frequency", 2], quintiles["frequency", 3]) == (
        (1, 1, 1), (None, None, 0), (3, 3, 1))
    assert (quintiles["recency_days", 1], quintiles["recency_days", 3]) == ((30, 30, 1), (28, 28, 1))
    assert quintiles["sessions_90d", 1] == (None, None, 0)  # a shop without sessions
    cut_points = [("frequency", 1, 2), ("frequency", 5, 9), ("sessions_90d", 1, 0)]
    fixed = compute(shop, rfm_method="cut_points", rfm_cut_points=cut_points).rfm_thresholds
    assert (fixed["frequency", 1], fixed["frequency", 5], fixed["sessions_90d", 1]) == (
        (2, 3, 2), (9, None, 0), (0, None, 0))


def test_the_window_holds_730_dates():
    shop = joined({"customers": [account("in"), account("out")]},
                  purchases_on("in", "2023-04-02"), purchases_on("out", "2023-04-01"))
    customers = compute(shop).customers
    assert (customers["in"]["recency_days"], customers["in"]["rfm_code"]) == (729, "111")
    assert (customers["out"]["recency_days"], customers["out"]["rfm_code"]) == (730, None)


def test_cut_points_are_reached_from_their_value_on():
    cut_points = [("frequency", 1, 1), ("frequency", 3, 2), ("frequency", 5, 4)]
    shop = joined({"customers": [account("a"), account("b")]},
                  purchases_on("a", "2025-03-01"), purchases_on("b", "2025-03-01", "2025-03-02", "2025-03-03"))
    customers = compute(shop, rfm_method="cut_points", rfm_cut_points=cut_points).customers
    assert (customers["a"]["frequency_score"], customers["b"]["frequency_score"]) == (1, 3)


# ---------------------------------------------------------------- 5. cadence and lifecycle


@pytest.mark.parametrize("dates, expected_gap_days, lifecycle_stage", [
    (["2025-03-31"], 90, "new"),
    (["2025-01-01"], 90, "new"),  # the last 90 days begin on January 1
    (["2024-12-31"], 90, "active"),
    (["2025-03-01", "2025-03-01"], 90, "active"),  # two purchases on one date are not new, and no gap
    (["2025-03-01", "2025-03-02", "2025-03-03"], 14, "at_risk"),  # 28 days are 2 gaps of 14
    # gaps 10, 20, 31, 40: the median is the mean of 20 and 31
    (["2024-01-01", "2024-01-11", "2024-01-31", "2024-03-02", "2024-04-11"], Fraction(51, 2), "inactive"),
    (["2024-10-02", "2024-11-16"], 90, "active"),  # 135 days are exactly 1.5 gaps
    (["2024-10-02", "2024-11-15"], 90, "at_risk"),
    (["2024-07-01", "2024-07-04"], 90, "at_risk"),  # 270 days are exactly 3 gaps
    (["2024-07-01", "2024-07-03"], 90, "inactive"),
])
def test_gap_and_stage(dates, expected_gap_days, lifecycle_stage):
    customer = compute({"customers": [account("c1")], **purchases_on("c1", *dates)}).customers["c1"]
    assert (customer["expected_gap_days"], customer["lifecycle_stage"]) == (expected_gap_days, lifecycle_stage)


# ---------------------------------------------------------------- 6. and 7. sales and segments


def sale(sale_campaign_id, starts_on, ends_on, prior=None):
    return {"sale_campaign_id": sale_campaign_id, "starts_on": starts_on, "ends_on": ends_on,
            "prior_sale_campaign_id": prior}


def test_the_current_sale_and_its_last_year_edition():
    shop = joined(
        {"customers": [account("then"), account("now"), account("after")],
         "sale_campaigns": [
             sale("spring 24", "2024-03-05", "2024-03-06"),
             sale("a", "2025-03-10", "2025-03-12", prior="spring 24"),
             sale("B", "2025-03-10", "2025-03-12"),  # "B" sorts before "a" by code point
             sale("z", "2025-03-10", "2025-03-11"),
             sale("next", "2025-04-01", "2025-04-02")]},
        purchases_on("then", "2024-03-06"), purchases_on("now", "2025-03-12"), purchases_on("after", "2025-03-13"))
    segments = compute(shop).segments
    assert segments["current_sale_buyers"] == {"now"}
    assert segments["last_year_sale_buyers"] == {"then"}
    shop["sale_campaigns"] = shop["sale_campaigns"][1:]  # the edition is not known
    assert compute(shop).segments["last_year_sale_buyers"] == set()


def test_sale_cart_abandoners():
    shop = {"customers": [account("open"), account("emptied"), account("pending")],
            "sale_campaigns": [sale("spring", "2025-03-10", "2025-04-10")],
            "sessions": [session("1", "v1", "open"), session("2", "v2", "emptied"), session("3", "v3", "pending")],
            "orders": [order("o1", "pending", "2025-03-31 10:00", status="pending"),
                       order("o2", "open", "2025-03-31 10:00", status="cancelled")]}
    added = [("1", "add_to_cart"), ("2", "add_to_cart"), ("2", "remove_from_cart"), ("3", "add_to_cart")]
    shop["web_events"] = [
        {"event_id": str(number), "session_id": session_id, "event_type": event_type, "occurred_at": "2025-03-20 12:05"}
        for number, (session_id, event_type) in enumerate(added)]
    assert compute(shop).segments["sale_cart_abandoners"] == {"open"}


def test_category_repeat_buyers_need_two_purchases_with_living_lines():
    shop = {"customers": [account("c1")],
            "products": [{"product_id": "p1", "category": "hats", "updated_at": EARLY}],
            **purchases_on("c1", "2025-03-01", "2024-04-01")}
    for order_line in shop["order_lines"]:
        order_line["product_id"] = "p1"
    assert compute(shop).segments["category_repeat_buyers"] == {("c1", "hats")}
    assert compute(shop, as_of_date=date(2025, 4, 1)).segments["category_repeat_buyers"] == set()


@pytest.mark.parametrize("ordered_at, status, is_abandoner", [
    ("2025-03-02 12:04:59", "paid", True), ("2025-03-02 12:05", "pending", False),
    ("2025-03-02 12:05", "cancelled", True), ("2025-04-01 00:00", "paid", True)])
def test_a_cart_is_abandoned_unless_ordered_since_something_was_first_added(ordered_at, status, is_abandoner):
    shop = {"customers": [account("c1")],
            "sessions": [session("B", "v1", "c1", started_at="2025-03-02 12:00"),
                         session("a", "v1", "c1", started_at="2025-03-02 12:00"),  # "a" is larger than "B"
                         session("emptied", "v1", "c1")],
            "web_events": [web_event("1", "a", "add_to_cart", "2025-03-02 12:09"),
                           web_event("2", "a", "add_to_cart", "2025-03-02 12:05"),
                           web_event("3", "a", "remove_from_cart", "2025-03-02 12:01"),
                           web_event("4", "a", "remove_from_cart", "2025-04-01 00:00"),
                           web_event("5", "B", "add_to_cart", "2025-03-02 12:30"),
                           web_event("6", "emptied", "add_to_cart"), web_event("7", "emptied", "remove_from_cart")],
            "orders": [order("o1", "c1", ordered_at, status=status)]}
    assert ("c1" in compute(shop).segments["cart_abandoners"]) is is_abandoner
    assert compute(shop, as_of_date=date(2025, 4, 1)).segments["cart_abandoners"] == set()  # the 31st day


def test_only_an_order_that_is_not_cancelled_is_ordered():
    shop = {"customers": [subscriber(status) for status in ("pending", "cancelled", "paid")],
            "orders": [order(status, status, "2025-03-01 10:00", status=status)
                       for status in ("pending", "cancelled", "paid")],
            "order_lines": [line("paid", "10")],
            "refunds": [{"refund_id": "r1", "order_id": "paid", "amount": "10", "refunded_at": "2025-03-05 10:00",
                         "updated_at": EARLY}]}
    result = compute(shop)
    assert result.purchases == {}
    assert result.segments["subscribers_without_purchase"] == {"cancelled"}


def test_value_and_activity_hold_every_buyer_once():
    surroundings = random_surroundings(1)
    result = oracle.compute(random_shop(1, **surroundings), **surroundings)
    parts = [result.segments[name]
             for name in ("high_value_active", "low_value_active", "high_value_at_risk", "non_target")]
    buyers = [customer_id for customer_id, customer in result.customers.items() if customer["purchase_count"]]
    assert sorted(customer_id for part in parts for customer_id in part) == sorted(buyers)


@pytest.mark.parametrize("reviews, is_unhappy, may_refer", [
    ([("1", "2.0", "2025-01-01 00:00")], True, False),
    ([("1", "2", "2024-12-31 23:59")], False, False),
    ([("1", "4", "2024-04-01 00:00")], False, True),
    ([("1", "4", "2024-03-31 23:59")], False, False),
    ([("1", "5", "2025-03-05 10:00"), ("2", "3", "2025-03-05 10:01")], False, False),
    ([("B", "1", "2025-03-05 10:00"), ("a", "5", "2025-03-05 10:00")], False, True),  # "a" is larger than "B"
    ([("1", "1", "2025-03-31 23:59"), ("2", "5", "2025-04-01 00:00")], True, False),
])
def test_the_latest_review_speaks(reviews, is_unhappy, may_refer):
    shop = joined({"customers": [account(name) for name in ("lead", "best", "worst", *"abc")]},
                  *(purchases_on(name, "2025-01-01") for name in ("worst", *"abc")),
                  purchases_on("best", "2025-03-30", "2025-03-31"))
    shop["reviews"] = [review(f"{review_id} {name}", name, rating, reviewed_at)
                       for review_id, rating, reviewed_at in reviews for name in ("best", "worst", "lead", "nobody")]
    segments = compute(shop).segments
    assert segments["unhappy_customers"] == ({"best", "worst"} if is_unhappy else set())
    assert segments["referral_candidates"] == ({"best"} if may_refer else set())


@pytest.mark.parametrize("dates, expected", [
    (["2025-01-01", "2024-07-04"], True),  # 181 days apart
    (["2025-01-01", "2024-07-05"], False),
    (["2024-12-31", "2024-01-01"], False),  # 91 days ago
    (["2025-01-01", "2025-01-01", "2024-07-04", "2024-07-03"], True),  # dates count, not purchases
    (["2025-01-01"], False),
])
def test_reactivated_customers(dates, expected):
    shop = {"customers": [account("c1")], **purchases_on("c1", *dates)}
    assert ("reactivated_customers" in segments_of(shop, "c1")) is expected


@pytest.mark.parametrize("dates, expected", [
    (["2025-02-17", "2025-03-04", "2025-03-19"], {"due_for_reorder"}),  # 12 days are 0.8 times 15
    (["2025-02-18", "2025-03-05", "2025-03-20"], set()),  # 11 days
    (["2025-01-18", "2025-02-07", "2025-03-04"], {"due_for_reorder"}),  # 27 days are 1.2 times 22.5
    (["2025-01-17", "2025-02-06", "2025-03-03"], set()),  # 28 days
    (["2025-03-13", "2025-03-14", "2025-03-15"], {"due_for_reorder", "cross_sell_window"}),  # 16 of at least 14 days
    (["2025-03-12", "2025-03-13", "2025-03-14"], {"cross_sell_window"}),  # 17 days: 1.21
    (["2025-03-17"], {"cross_sell_window"}), (["2025-03-11"], {"cross_sell_window"}),  # 14 and 20 days
    (["2025-03-18"], set()), (["2025-03-10"], set()),
    (["2025-01-10", "2025-01-10", "2024-12-30"], set()),  # 80 of 90 days, but only two dates
])
def test_due_for_reorder_and_cross_sell_window(dates, expected):
    shop = {"customers": [account("c1")], **purchases_on("c1", *dates)}
    assert segments_of(shop, "c1") & {"due_for_reorder", "cross_sell_window"} == expected


def test_the_top_fifth_by_price():
    prices = {"dearest": "100", "second": "50", "as dear": "50.00", "cheap": "10", "free": "0", "unpriced": None}
    shop = {"customers": [account(name) for name in prices],
            "products": [{"product_id": name, "price": price, "updated_at": EARLY} for name, price in prices.items()],
            "sessions": [session(name, name, name, started_at="2025-03-01 23:50") for name in prices],
            "web_events": [web_event(name, name, "product_view", "2025-03-02 00:10", product_id=name)
                           for name in prices]}
    # one of five products with a price, exactly 20 %, costs more than the second
    assert compute(shop).segments["high_ticket_hesitators"] == {"dearest"}
    assert compute(shop).segments["browse_abandoners"] == set(prices)
    shop["products"].append({"product_id": "sixth", "price": "0", "updated_at": EARLY})
    shop["web_events"][0]["event_type"] = "add_to_cart"
    assert compute(shop).segments["high_ticket_hesitators"] == {"dearest", "second", "as dear"}
    assert compute(shop, as_of_date=date(2025, 4, 1)).segments["high_ticket_hesitators"] == set()


def test_active_customers_click_or_visit():
    shop = joined({"customers": [account(name) for name in ("clicks", "opens", "visits", "gone", "lead")]},
                  *(purchases_on(name, "2025-01-01") for name in ("clicks", "opens", "visits")),
                  purchases_on("gone", "2024-01-01"))
    shop["email_events"] = [
        email_event(name, "open" if name == "opens" else "click", name, occurred_at="2025-03-02 00:00")
        for name in ("clicks", "opens", "gone", "lead")]
    shop["sessions"] = [session("1", "v1", "visits", started_at="2025-03-02 00:00")]
    assert compute(shop).segments["active_customers"] == {"clicks", "visits"}
    assert compute(shop, as_of_date=date(2025, 4, 1)).segments["active_customers"] == set()


@pytest.mark.parametrize("changes, expected", [
    ({}, True),
    ({"consented_at": "2024-10-01 23:59"}, True), ({"consented_at": "2024-10-02 00:00"}, False),  # 181 and 180 days
    ({"received_at": "2024-10-03 00:00"}, True), ({"received_at": "2024-10-02 23:59"}, False),
    ({"clicked_at": "2024-10-03 00:00"}, False), ({"clicked_at": "2024-10-02 23:59"}, True),
    ({"visited_at": "2024-10-03 00:00"}, False), ({"visited_at": "2024-10-02 23:59"}, True),
])
def test_unengaged_subscribers(changes, expected):
    moments = {"consented_at": EARLY, "received_at": "2025-03-01 10:00"} | changes
    shop = {"customers": [subscriber("c1", consented_at=moments["consented_at"])],
            "email_events": [email_event("1", "delivered", "c1", occurred_at=moments["received_at"])]}
    if "clicked_at" in changes:
        shop["email_events"].append(email_event("2", "click", "c1", occurred_at=changes["clicked_at"]))
    if "visited_at" in changes:
        shop["sessions"] = [session("1", "v1", "c1", started_at=changes["visited_at"])]
    assert ("c1" in compute(shop).segments["unengaged_subscribers"]) is expected


@pytest.mark.parametrize("as_of_date, birth_date, expected", [
    (date(2025, 3, 31), "1990-03-31", False), (date(2025, 3, 31), "1990-04-01", True),
    (date(2025, 3, 31), "1990-04-07", True), (date(2025, 3, 31), "1990-04-08", False),
    (date(2024, 12, 28), "1990-01-04", True), (date(2024, 12, 28), "1990-01-05", False),
    (date(2025, 2, 21), "1988-02-29", True), (date(2025, 2, 28), "1988-02-29", False),  # on the 28th
    (date(2024, 2, 21), "1988-02-29", False), (date(2024, 2, 28), "1988-02-29", True),  # on the 29th
    (date(2025, 3, 31), None, False),
])
def test_birthdays_of_the_next_7_dates(as_of_date, birth_date, expected):
    shop = {"customers": [subscriber("in", consented_at=EARLY, birth_date=birth_date),
                          account("out", birth_date=birth_date)]}
    result = compute(shop, as_of_date=as_of_date)
    assert [result.customers[name]["has_birthday_in_7d"] for name in ("in", "out")] == [expected, expected]
    assert result.segments["birthday_soon"] == ({"in"} if expected else set())


# ---------------------------------------------------------------- 10. contact


@pytest.mark.parametrize("event, contactable", [
    (None, {"a", "b", "o1", "o2", "o3"}),
    (email_event("1", "bounce", "a"), {"b", "o1", "o2", "o3"}),
    (email_event("1", "bounce", "a", "old address"), {"b", "o1", "o2", "o3"}),
    (email_event("1", "bounce", "a", "old@x.de"), {"a", "b", "o1", "o2", "o3"}),
    (email_event("1", "bounce", "a", "BOB@x.de"), {"a", "o1", "o2", "o3"}),
    (email_event("1", "bounce", None, "office@x.de"), {"a", "b"}),
    (email_event("1", "bounce", "o1"), {"a", "b", "o2", "o3"}),
    (email_event("1", "complaint", "o1"), {"a", "b"}),
    (email_event("1", "complaint", None, "office@x.de"), {"a", "b"}),
    (email_event("1", "complaint", "a", "bob@x.de"), {"o1", "o2", "o3"}),
    (email_event("1", "complaint", "t", "bob@x.de"), {"a", "b", "o1", "o2", "o3"}),  # a test customer's
    (email_event("1", "bounce", "t", "bob@x.de"), {"a", "b", "o1", "o2", "o3"}),
    (email_event("1", "complaint", "a", occurred_at="2024-01-01 00:00"), {"b", "o1", "o2", "o3"}),  # before the consent
    (email_event("1", "complaint", "a", occurred_at="2025-04-01 00:00"), {"a", "b", "o1", "o2", "o3"}),
])
def test_who_is_contactable_by_email(event, contactable):
    shop = {"customers": [subscriber("a", "ann@x.de"), subscriber("b", "bob@x.de"), subscriber("no email", "none"),
                          account("never asked", "eve@x.de"), subscriber("t", "tim@x.de", is_test="yes"),
                          *(subscriber(name, "office@x.de") for name in ("o1", "o2", "o3"))],
            "email_events": [event] if event else []}
    customers = compute(shop, max_accounts_per_email=2).customers
    found = {customer_id for customer_id, customer in customers.items() if customer["is_contactable_by_email"]}
    assert found == contactable


@pytest.mark.parametrize(
    "answers, phone, expected",
    [
        ([("subscribed", "2025-03-31 23:59")], "+4917012345", (True, True)),
        ([("subscribed", "2025-04-01 00:00")], "+4917012345", (False, False)),
        ([("subscribed", None)], "0170 12345", (True, False)),
        ([("subscribed", None)], None, (True, False)),
        ([("never", None)], "+4917012345", (False, False)),
        ([(None, "2025-01-01 00:00")], "+4917012345", (False, False)),
        (
            [("subscribed", "2025-01-05 10:00"), ("unsubscribed", "2025-01-05T12:00+02:00")],
            "+4917012345",
            (False, False),
        ),
        ([("subscribed", "2025-01-05 10:01"), ("unsubscribed", "2025-01-05 10:00")], "+4917012345", (True, True)),
        ([("subscribed", "2025-01-05 10:00"), ("never", "2025-02-05 10:00")], "+4917012345", (True, True)),
    ],
)
def test_consent_to_messages_on_the_phone(answers, phone, expected):
    shop = {"customers": [account(f"c{number}", "ann@x.de", phone=phone, sms_consent=answer, sms_consent_at=answered_at)
                          for number, (answer, answered_at) in enumerate(answers)],
            "email_events": [email_event("1", "unsubscribe", "c0")]}  # of emails, not of messages on the phone
    customer = compute(shop).customers["c0"]
    assert (customer["is_sms_subscribed"], customer["is_contactable_by_sms"]) == expected


@pytest.mark.parametrize(
    "answers, expected",
    [
        ([(None, None)], None),
        ([("granted", None)], "granted"),
        ([("denied", "2025-03-31 00:00")], "denied"),
        ([("granted", "2025-04-01 00:00")], None),
        ([("granted", "2025-01-01 00:00"), ("denied", "2025-01-01 00:00")], "denied"),
        ([("denied", None), ("granted", "2025-01-01 00:00")], "granted"),
        ([("granted", "2025-01-01 00:00"), (None, "2025-02-01 00:00")], "granted"),
        ([("perhaps", None)], None),
    ],
)
def test_consent_to_ads(answers, expected):
    shop = {"customers": [account(f"c{number}", "ann@x.de", ads_consent=answer, ads_consent_at=answered_at)
                          for number, (answer, answered_at) in enumerate(answers)]}
    assert compute(shop).customers["c0"]["ads_consent"] == expected


@pytest.mark.parametrize("email, begins", [
    ("jane.doe+news@gmail.com", "d6117306485ed0e5"), ("cloudy.sanfrancisco+shopping@gmail.com", "223ebda6f6889b14"),
    ("user.name+nyc@example.com", "f109a2a632fbcea5"), ("person@example.com", "542d240129883c01")])
def test_hashes_in_the_form_of_google(email, begins):
    hashes = dict(zip(oracle_contact.HASHES, oracle_contact.hashes_of(email, "+18005550100")))
    assert hashes["google_email_sha256"].startswith(begins)
    assert hashes["phone_sha256"].startswith("fb4f73a6ec5fdb70")
    assert (hashes["email_sha256"] == hashes["google_email_sha256"]) is not email.endswith("@gmail.com")


def test_googlemail_is_google_and_its_subdomains_are_not():
    assert oracle_contact.google_email("a.b+c+d@googlemail.com") == "ab@googlemail.com"
    assert oracle_contact.google_email("a.b+c@mail.gmail.com") == "a.b+c@mail.gmail.com"


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
@pytest.mark.parametrize("seed", range(4))
def test_a_written_shop_means_the_same(tmp_path, seed, file_format):
    surroundings = random_surroundings(seed)
    shop = random_shop(seed, **surroundings)
    write_shop(shop, tmp_path, file_format, shuffle_seed=seed)
    expected, found = oracle.compute(shop, **surroundings), oracle.compute(read_shop(tmp_path), **surroundings)
    assert found.counts == expected.counts
    assert found.customers == expected.customers
    assert found.purchases == expected.purchases
    assert found.segments == expected.segments


def test_a_seed_is_one_shop_in_every_process():
    """The order of a set of texts is another one in each."""
    script = "import random_shops; print(random_shops.random_shop(3, **random_shops.random_surroundings(3)))"
    shops = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=Path(__file__).parent,
            env=os.environ | {"PYTHONHASHSEED": seed},
            text=True,
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(shops) == 1


def test_the_random_shops_hold_the_cases_of_the_pages():
    """Each of them in at least a tenth of the shops, and the common ones in most of them."""
    found = random_cases.shares(20)
    assert {name: share for name, (share, _) in found.items() if share < 0.1} == {}
    assert sum(share >= 0.5 for share, _ in found.values()) >= 36
