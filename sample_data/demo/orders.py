"""The orders of the demo: heads, lines, refunds and reviews."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo.calendar import DAY, END, HOUR
from demo.catalogue import (
    COMPANIONS,
    GIFT_CARD,
    OPENERS,
    PER_CATEGORY,
    STAPLE_RANKS,
    choose_products,
    product_number,
)
from demo.columns import ids, money, names_of, nullable, utc
from demo.currencies import CURRENCIES
from demo.customers import account_at
from demo.drawing import chance, dice, repeat_counts, weighted

# Days from an order to its delivery, and why money goes back or what a review is about, each with its weight.
DELIVERY_DAYS = ((1, 2, 3, 4, 6, 9), (15, 35, 27, 13, 7, 3))
LINE_REASONS = (("does not fit", "not as described", "damaged", "changed my mind", None), (45, 20, 15, 12, 8))
ORDER_REASONS = (("arrived late", "damaged", None), (50, 30, 20))
BAD_TOPICS = (("delivery", "quality", "service", None), (50, 30, 10, 10))
GOOD_TOPICS = (("quality", "service", "delivery", None), (55, 15, 10, 20))


def words(rng, choices, size):
    """So many words, drawn by their weights."""
    names, weights = choices
    return np.array(names, dtype=object)[weighted(rng, weights, size)]


def make_orders(calendar, people, accounts, buyer, bought_at, rates):
    """The head of each order. Young orders are pending or paid, older ones fulfilled; some are cancelled."""
    rng = dice("orders")
    size = len(buyer)
    age = (END - bought_at) // DAY
    status = np.where(age < 4, "paid", "fulfilled")
    status = np.where(chance(rng, np.where(age < 3, 30, 0.3), size), "pending", status)
    status = np.where(chance(rng, 4, size), "cancelled", status)
    account = account_at(people, accounts, buyer, bought_at)
    account[chance(rng, 5, size)] = -1  # forgot to log in
    currency = people.currency[buyer]
    week = np.searchsorted(rates[0], calendar.dates[bought_at // DAY], side="right") - 1
    return SimpleNamespace(
        person=buyer, ordered_at=bought_at, status=status, account=account, currency=currency,
        rate=rates[1][week, currency],
        markdown=calendar.markdown[bought_at // DAY],
        has_coupon=chance(rng, np.where(people.likes_discounts[buyer], 14, 3), size),
        is_nameless=chance(rng, 0.15, size),  # taken by telephone: neither account nor email
        is_unknown_account=chance(rng, 0.1, size),
        is_test=chance(rng, 0.1, size),
        updated_at=np.minimum(bought_at + rng.integers(1, 5 * 24, size=size) * HOUR, END - 1),
    )


def make_lines(people, products, orders):
    """One to several lines per order, in the currency of the order; also sets the discount of each order."""
    rng = dice("lines")
    more = np.where(people.is_curious[orders.person], 2.6, 1.0)
    order = repeat_counts(1 + np.minimum(rng.poisson(more), 7))
    product = choose_products(rng, people, orders.person[order])
    person, begins = orders.person[order], np.diff(order, prepend=-1) > 0
    staple = people.favourites[person, 0] * PER_CATEGORY + np.array(STAPLE_RANKS)[people.staple[person]] - 1
    product = np.where(begins & (people.staple[person] >= 0) & chance(rng, 50, len(order)), staple, product)
    opener = np.array([*(product_number(*name) for name, *_ in OPENERS), -1])[people.opener[person]]
    is_first = (orders.ordered_at == people.first_bought_at[orders.person])[order]
    product = np.where(begins & is_first & (opener >= 0), opener, product)
    companions = [(product_number(*one), product_number(*other), percent) for one, other, percent in COMPANIONS]
    for bringing, brought, percent in (*companions, (np.arange(GIFT_CARD), GIFT_CARD, 0.4)):
        rows = np.flatnonzero(np.isin(product, bringing) & chance(rng, percent, len(product)))
        order = np.concatenate([order, order[rows]])
        product = np.concatenate([product, np.full(len(rows), brought)])
    product = product[np.argsort(order, kind="stable")]
    order = np.sort(order)
    size = len(order)
    list_price = products.price[product] * 1_000_000 // orders.rate[order]
    markdown = orders.markdown[order] * chance(rng, 70, size) * (product != GIFT_CARD)
    price = list_price * (100 - markdown) // 100
    quantity = 1 + weighted(rng, (88, 9, 3), size)
    has_discount = chance(rng, np.where(people.likes_discounts[orders.person[order]], 10, 2), size)
    cost = products.cost[product] * rng.integers(95, 106, size=size) * 10_000 // orders.rate[order]
    has_cost = products.has_cost[product] & (cost > 0) & chance(rng, 40, size) & (orders.rate[order] == 1_000_000)
    discount = price * quantity * has_discount * 15 // 100
    net = price * quantity - discount
    orders.net = np.bincount(order, weights=net).astype(np.int64)
    orders.discount = orders.net * orders.has_coupon // 10
    orders.net -= orders.discount
    return SimpleNamespace(
        order=order, quantity=quantity, price=price, discount=discount, net=net,
        product=np.where(chance(rng, 99.9, size), product, -1),
        list_price=np.where(chance(rng, 0.02, size), -1, list_price), has_list_price=chance(rng, 92, size),
        cost=cost, has_cost=has_cost,
    )


def make_refunds(orders, lines):
    """Lines sent back (each named), whole orders, and small amounts for goodwill."""
    rng = dice("refunds")
    can_refund = np.isin(orders.status, ("paid", "fulfilled"))
    kind = np.where(can_refund & chance(rng, 12, len(can_refund)), weighted(rng, (60, 25, 15), len(can_refund)), -1)
    may_return = (kind[lines.order] == 0) & (orders.discount[lines.order] == 0)
    by_line = np.flatnonzero(may_return & chance(rng, 60, len(may_return)))
    by_order = np.flatnonzero(kind > 0)
    share = np.where(kind[by_order] == 1, 100, rng.integers(10, 30, size=len(by_order)))
    refund = SimpleNamespace(
        order=np.concatenate([lines.order[by_line], by_order]),
        line=np.concatenate([by_line, np.full(len(by_order), -1)]),
        amount=np.concatenate([lines.net[by_line], orders.net[by_order] * share // 100]),
    )
    refund.refunded_at = orders.ordered_at[refund.order] + rng.integers(3 * DAY, 35 * DAY, size=len(refund.order))
    kept = np.flatnonzero((refund.refunded_at < END) & (refund.amount > 0))
    kept = kept[np.argsort(refund.refunded_at[kept], kind="stable")]
    return SimpleNamespace(**{name: column[kept] for name, column in vars(refund).items()})


def orders_table(people, orders, first_id=0):
    """One row per order. first_id: the number of the first."""
    rng = dice("order heads")
    size = len(orders.person)
    account = np.where(orders.is_unknown_account, 90_000 + np.arange(size) % 1000, orders.account)
    has_email = ~orders.is_nameless & ~orders.is_unknown_account & ((orders.account < 0) | chance(rng, 90, size))
    emails = pa.array(people.email, type=pa.string())
    rng = dice("deliveries")
    days, weights = DELIVERY_DAYS
    days = np.array(days)[weighted(rng, weights, size)]
    delivered_at = orders.ordered_at + days * DAY + rng.integers(-6, 7, size=size) * HOUR
    is_delivered = (orders.status == "fulfilled") & (delivered_at < END) & chance(rng, 94, size)
    return pa.table({
        "order_id": ids("O", first_id + np.arange(size), 6),
        "customer_id": ids("C", np.where(orders.is_nameless, -1, account), 5),
        "email": emails.take(nullable(np.where(has_email, orders.person, -1))),
        "ordered_at": utc(orders.ordered_at),
        "status": pa.array(orders.status),
        "currency": names_of(orders.currency, CURRENCIES),
        "discount_amount": money(orders.discount, orders.discount > 0),
        "discount_code": names_of(np.where(orders.discount > 0, 0, -1), ("SAVE10",)),
        "delivered_at": pc.if_else(pa.array(is_delivered), utc(delivered_at), None),
        "is_test": pa.array(orders.is_test),
        "updated_at": utc(orders.updated_at),
    })


def order_lines_table(orders, lines, first_id=0):
    """One row per line. first_id: the number of the first, and of its order."""
    return pa.table({
        "order_line_id": ids("L", first_id + np.arange(len(lines.order)), 6),
        "order_id": ids("O", first_id + lines.order, 6),
        "product_id": ids("P", lines.product, 4),
        "quantity": pa.array(lines.quantity.astype(np.int32)),
        "unit_price": money(lines.price),
        "list_price": money(lines.list_price, lines.has_list_price),
        "discount_amount": money(lines.discount, lines.discount > 0),
        "unit_cost": money(lines.cost, lines.has_cost),
        "updated_at": utc(orders.updated_at[lines.order]),
    })


def refunds_table(refunds):
    """One row per refund."""
    rng, size = dice("reasons"), len(refunds.order)
    of_lines, of_orders = words(rng, LINE_REASONS, size), words(rng, ORDER_REASONS, size)
    return pa.table({
        "refund_id": ids("R", np.arange(len(refunds.order)), 5),
        "order_id": ids("O", refunds.order, 6),
        "order_line_id": ids("L", refunds.line, 6),
        "refunded_at": utc(refunds.refunded_at),
        "amount": money(refunds.amount),
        "reason": pa.array(np.where(refunds.line >= 0, of_lines, of_orders), type=pa.string()),
        "updated_at": utc(refunds.refunded_at + HOUR),
    })


def reviews_table(people, orders, lines):
    """One order in five is reviewed, by its first line, within four weeks; one person in five is hard to please."""
    rng = dice("reviews")
    size = len(orders.person)
    reviewed_at = orders.ordered_at + rng.integers(7 * DAY, 28 * DAY, size=size)
    may_review = (orders.status == "fulfilled") & (orders.account >= 0) & (reviewed_at < END)
    order = np.flatnonzero(may_review & chance(rng, 20, size))
    order = order[np.argsort(reviewed_at[order], kind="stable")]
    happy, grumpy = (1 + weighted(rng, weights, len(order)) for weights in ((2, 4, 10, 34, 50), (25, 25, 25, 15, 10)))
    first_line = np.searchsorted(lines.order, order)
    rating = np.where(people.is_grumpy[orders.person[order]], grumpy, happy).astype(np.int32)
    rng = dice("topics")
    topic = np.where(rating <= 2, words(rng, BAD_TOPICS, len(order)), words(rng, GOOD_TOPICS, len(order)))
    return pa.table({
        "review_id": ids("RV", np.arange(len(order)), 5),
        "customer_id": ids("C", orders.account[order], 5),
        "order_id": ids("O", order, 6),
        "product_id": ids("P", lines.product[first_line], 4),
        "rating": pa.array(rating),
        "topic": pa.array(topic, type=pa.string()),
        "reviewed_at": utc(reviewed_at[order]),
    })
