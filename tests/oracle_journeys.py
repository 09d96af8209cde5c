"""The journeys of customers, as docs/definitions.md has them, in plain Python. Never from our SQL.

    compute(oracle.compute(rows, as_of_date=date(2025, 3, 31)))["journey_events"]["5f0c..."]["due_on"]
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from pathlib import Path
from statistics import median

import yaml

import oracle_contact
import oracle_products
from oracle import Result, Row, birthday, consented_at, kept_orders

SETTINGS = yaml.safe_load((Path(__file__).parent.parent / "dbt_project.yml").read_text())["vars"]


def compute(result: Result, holdout_percent: object = 0) -> dict[str, dict[str, Row]]:
    """Return journey_events -> event_id -> columns. The journeys are those of the result's parameters, else the
    project's."""
    journeys = result.parameters.journeys or SETTINGS["journeys"]
    suppressed = {row[1] for row in oracle_contact.suppressions(result)}
    due = defaultdict(list)
    for customer, traits in result.customers.items():
        history = History(result, customer)
        for name, entry in journeys.items():
            found = OCCASIONS[name](history)
            for step, days in enumerate(entry["due_days"], 1):
                messages = [message(occasion, days) for occasion in found
                            if occasion["occurred_on"] <= result.parameters.as_of_date]
                standing = [row for row in messages if not is_over(row)
                            and not (entry["exit_on_purchase"] and history.has_ordered(row))]
                for row in reentered(standing, entry["reentry"]):
                    due[customer].append((name, entry, f"{row['occasion']}:{step}", row, traits))
    return {"journey_events": {
        hashlib.sha256(f"{name}:{customer}:{occasion}".encode()).hexdigest(): {
            "customer_id": customer,
            "as_of_date": result.parameters.as_of_date,
            "journey": name,
            "occasion": occasion,
            "occurred_on": row["occurred_on"],
            "due_on": row["due_on"],
            "exit_on_purchase": entry["exit_on_purchase"],
            "products": row.get("products"),
            "cart_value": row.get("cart_value"),
            "held_back_by": held_back_by(result, customer, customer in suppressed, holdout_percent),
        }
        for customer, rows in due.items() for name, entry, occasion, row, traits in rows
    }}


def message(occasion: Row, days: int) -> Row:
    """Return the occasion with the date on which its message is due."""
    due_on = occasion.get("from", occasion["occurred_on"]) + timedelta(days=days)
    return occasion | {"due_on": max(due_on, occasion["occurred_on"] + timedelta(days=1))}


def is_over(row: Row) -> bool:
    """Whether the occasion is over before its message is due."""
    return row.get("over_on") is not None and row["over_on"] < row["due_on"]


def reentered(rows: list[Row], reentry: str) -> list[Row]:
    """Return the messages that the customer enters, one after the other."""
    if reentry == "each time":
        return rows
    chosen: list[Row] = []
    days = None if reentry == "once" else int(re.findall("[0-9]+", reentry)[0])
    for row in sorted(rows, key=lambda row: (row["due_on"], row["occurred_on"], row["occasion"])):
        if not chosen or (days is not None and (row["due_on"] - chosen[-1]["due_on"]).days >= days):
            chosen.append(row)
    return chosen


def held_back_by(result: Result, customer: str, is_suppressed: bool, holdout_percent) -> str | None:
    tomorrow = result.parameters.as_of_date + timedelta(days=1)
    quarter = f"{tomorrow.year}-Q{(tomorrow.month + 2) // 3}"
    digits = hashlib.sha256(f"{quarter}:{customer}".encode()).hexdigest()[:8]
    if int(digits, 16) % 10_000 < float(holdout_percent) * 100:
        return "global holdout"
    if not result.customers[customer]["is_contactable_by_email"]:
        return "not contactable"
    return "suppressed" if is_suppressed else None


class History:
    """What a customer did up to the as-of date: purchases and sessions in their order."""

    def __init__(self, result: Result, customer: str):
        self.result, self.shop, self.customer = result, result.shop, customer
        self.purchases = sorted(
            purchases_of(result).get(customer, []),
            key=lambda purchase: (purchase["purchased_on"], purchase["purchased_at"], purchase["order_id"]),
        )  # fmt: skip
        self.orders = kept_orders(self.shop, customer)
        self.sessions = sorted(self.shop.sessions_of.get(customer, []),
                               key=lambda session: (session["started_at"], session["session_id"]))
        self.carts = [session for session in self.sessions if session["session_id"] in self.shop.open_carts]

    def has_ordered(self, row: Row) -> bool:
        """Whether an order cancels the message."""
        return any(order["ordered_on"] < row["due_on"] and self.is_after(order, row) for order in self.orders)

    @staticmethod
    def is_after(order: Row, row: Row) -> bool:
        moment: datetime | None = row.get("moment")
        if moment is None:
            return order["ordered_on"] >= row["occurred_on"]
        return order["ordered_at"] > moment if "purchase" in row else order["ordered_at"] >= moment


def purchases_of(result: Result) -> dict[str, list[Row]]:
    """Return customer -> purchases, with their moments, computed once for each shop."""
    if not hasattr(result, "purchases_of"):
        moments, found = {order["order_id"]: order["ordered_at"] for order in result.shop.orders}, defaultdict(list)
        for order_id, purchase in result.purchases.items():
            found[purchase["customer_id"]].append(
                {"order_id": order_id, "purchased_at": moments[order_id], **purchase}
            )
        result.purchases_of = found  # type: ignore[attr-defined]
    return result.purchases_of  # type: ignore[attr-defined]


def welcome(history: History) -> list[Row]:
    if not history.result.customers[history.customer]["is_subscribed"]:
        return []
    moment = consented_at(history.shop.people.accounts_of[history.customer], history.shop.calendar, "email_consent")
    on = history.shop.calendar.day(moment)
    return [{"occasion": on.isoformat(), "occurred_on": on, "moment": moment}]


def browse_abandonment(history: History) -> Iterator[Row]:
    viewed = {event["session_id"] for event in history.shop.web_events_of.get(history.customer, [])
              if event["event_type"] == "product_view"}
    carts = [session["started_on"] for session in history.carts]
    ordered = [order["ordered_on"] for order in history.orders]
    found = []
    for session in history.sessions:
        on = session["started_on"]
        if session["session_id"] in viewed and not any(0 <= (on - day).days < 30 for day in carts + ordered):
            found.append({"occasion": session["session_id"], "occurred_on": on, "moment": session["started_at"],
                          "over_on": min((day for day in carts if day > on), default=None)})
    return found


def cart_abandonment(history: History) -> list[Row]:
    found = []
    for session, following in pairwise([*history.carts, None]):
        products, value = contents(history, session["session_id"])
        found.append({"occasion": session["session_id"], "occurred_on": session["started_on"],
                      "moment": history.shop.first_adds[session["session_id"]],
                      "over_on": following and following["started_on"], "products": products, "cart_value": value})
    return found


def contents(history: History, session_id: str) -> tuple[str | None, Decimal | None]:
    """Return the ids of what is in a session's cart, and what it costs."""
    pieces: dict[str, int] = defaultdict(int)
    for event in history.shop.web_events_of[history.customer]:
        if event["session_id"] == session_id and event["product_id"] is not None:
            pieces[event["product_id"]] += {"add_to_cart": 1, "remove_from_cart": -1}.get(event["event_type"], 0)
    inside = {product: number for product, number in pieces.items() if number > 0}
    prices = {product["product_id"]: product["price"] for product in history.result.raw.tables["products"]}
    costs = [None if prices.get(product) is None else prices[product] * number for product, number in inside.items()]
    if not inside:
        return None, None
    value = None if None in costs else sum(costs, Decimal(0)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return ", ".join(sorted(inside)), value


def purchase_occasion(purchase: Row) -> Row:
    return {"occasion": purchase["order_id"], "occurred_on": purchase["purchased_on"],
            "moment": purchase["purchased_at"], "purchase": True}


def each_purchase(history: History) -> list[Row]:
    return [purchase_occasion(purchase) for purchase in history.purchases]


def second_purchase(history: History) -> list[Row]:
    if not history.purchases:
        return []
    first, second = [*history.purchases, None][:2]
    gap = timedelta(days=history.shop.parameters.typical_gap_days)
    return [purchase_occasion(first) | {"from": first["purchased_on"] + gap,
                                        "over_on": second and second["purchased_on"]}]


def replenishment(history: History) -> list[Row]:
    due = due_products(history.result).get(history.customer, {})
    return [{"occasion": f"{product} {row['last_bought_on']}", "products": product, "from": row["due_on"],
             "occurred_on": row["last_bought_on"] + timedelta(ceil(Fraction(row["expected_gap_days"]) * 8 / 10))}
            for product, row in due.items()]


def due_products(result: Result) -> dict[str, dict[str, Row]]:
    """Return customer -> product -> row of the mart of this name, computed once for each shop."""
    if not hasattr(result, "due_products"):
        found: dict[str, dict[str, Row]] = defaultdict(dict)
        for (customer, product), row in oracle_products.compute(result)["due_products"].items():
            found[customer][product] = row
        result.due_products = found  # type: ignore[attr-defined]
    return result.due_products  # type: ignore[attr-defined]


def win_back(history: History) -> list[Row]:
    """Live through the dates after each purchase date, until the stage is at risk, or another purchase comes."""
    parameters, found = history.shop.parameters, []
    dates = sorted({purchase["purchased_on"] for purchase in history.purchases})
    for number, (on, following) in enumerate(pairwise([*dates, None]), 1):
        known = dates[:number]
        gap = Fraction(parameters.typical_gap_days)
        if number >= 3:
            gaps = [Fraction((later - earlier).days) for earlier, later in pairwise(known)]
            gap = max(median(gaps), Fraction(parameters.min_gap_days))
        is_only = sum(purchase["purchased_on"] <= on for purchase in history.purchases) == 1
        last = floor(Fraction(str(parameters.inactive_after_gaps)) * gap)
        for days in range(last + 1):
            day = on + timedelta(days=days)
            if (following is not None and day >= following) or day > parameters.as_of_date:
                break
            if days > Fraction(str(parameters.at_risk_after_gaps)) * gap and not (is_only and days < 90):
                found.append({"occasion": on.isoformat(), "occurred_on": day})
                break
    return found


def birthdays(history: History) -> list[Row]:
    born = history.result.customer_contacts[history.customer]["birth_date"]
    in_sight = history.shop.parameters.as_of_date + timedelta(days=7)
    if born is None:
        return []
    latest: date = max(day for year in (in_sight.year - 1, in_sight.year)
                       if (day := birthday(born, year)) <= in_sight)
    known_on = history.result.customers[history.customer]["created_on"]
    if known_on >= latest:
        return []
    in_sight_on = max(latest - timedelta(days=7), known_on)
    return [{"occasion": latest.isoformat(), "occurred_on": in_sight_on, "from": latest}]


OCCASIONS = {
    "welcome": welcome,
    "browse_abandonment": browse_abandonment,
    "cart_abandonment": cart_abandonment,
    "post_purchase": each_purchase,
    "review_request": each_purchase,
    "second_purchase": second_purchase,
    "replenishment": replenishment,
    "win_back": win_back,
    "birthday": birthdays,
}
