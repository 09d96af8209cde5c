"""A second, independent reading of the section Attribution of docs/definitions.md, in plain Python, never from our SQL.

    marts = compute(oracle.compute(rows, as_of_date=date(2025, 3, 31)))
    marts["attributed_touches"]["o1", "linear", "session", "s7"]["weight"]

Weights are Decimal with 8 places, half up. Money is Decimal in the reporting currency: net revenue in cents, margins
to 6 places.
"""

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal, localcontext
from typing import NamedTuple

import oracle_finance
from oracle import Parameters, Result, Row, rounded
from oracle_finance import Mart, month_of, quotient

# mart -> the columns that tell its rows apart
KEYS = {
    "attributed_touches": ["order_id", "rule", "touch_kind", "touch_id"],
    "channel_performance": ["month", "channel", "rule"],
}
RULES = ("last_touch", "first_touch", "linear", "position_based", "time_decay")


class Touch(NamedTuple):
    """A visit or a click, in the order in which touches compare: by moment, kind (email before session) and id."""

    touched_at: datetime
    kind: str
    touch_id: str
    channel: str
    campaign_id: str | None
    touched_on: date


def compute(result: Result) -> dict[str, Mart]:
    """Return mart -> key -> columns, for the marts of KEYS."""
    with localcontext() as context:
        context.prec = 60
        shop = oracle_finance.Shop(result)
        touches = attributed_touches(shop)
        return {"attributed_touches": touches, "channel_performance": channel_performance(shop, touches)}


def touches_of(result: Result, customer_id: str | None) -> list[Touch]:
    """Return the sessions and email clicks of a customer, in order; nobody has none."""
    if customer_id is None:
        return []
    sessions = [
        Touch(
            session["started_at"],
            "session",
            session["session_id"],
            session["channel"] or "unknown",
            session["campaign_id"],
            session["started_on"],
        )
        for session in result.shop.sessions_of.get(customer_id, [])
    ]
    clicks = [
        Touch(event["occurred_at"], "email", event["event_id"], "email", event["campaign_id"], event["occurred_on"])
        for event in result.shop.email_events_of.get(customer_id, [])
        if event["event_type"] == "click"
    ]
    return sorted(sessions + clicks, key=lambda touch: touch[:3])


def is_direct(touch: Touch, parameters: Parameters) -> bool:
    return touch.channel.lower() in [channel.lower() for channel in parameters.direct_channels]


def touches_before(touches: list[Touch], bought_at: datetime, bought_on: date, days: int) -> list[Touch]:
    """Return those at or before the moment that are dated in so many dates up to the date."""
    return [
        touch
        for touch in touches
        if touch.touched_at <= bought_at and bought_on - timedelta(days=days) < touch.touched_on <= bought_on
    ]


def credited(touches: list[Touch], parameters: Parameters) -> list[Touch]:
    """Return the touches that are not direct, or the direct ones if there are no others."""
    return [touch for touch in touches if not is_direct(touch, parameters)] or touches


def weights(rule: str, touches: list[Touch], bought_on: date, half_life_days: object) -> dict[Touch, Decimal]:
    """Return the weight of each touch that a rule is about."""
    first, last, count = touches[0], touches[-1], len(touches)
    if rule == "last_touch":
        return {last: Decimal(1)}
    if rule == "first_touch":
        return {first: Decimal(1)}
    if rule == "linear":
        exact = {touch: 1 / Decimal(count) for touch in touches}
    elif rule == "position_based":
        if count <= 2:
            exact = {touch: 1 / Decimal(count) for touch in touches}
        else:
            exact = {touch: Decimal("0.2") / (count - 2) for touch in touches}
            exact[first] = exact[last] = Decimal("0.4")
    else:
        decays = {
            touch: Decimal(2) ** (-Decimal((bought_on - touch.touched_on).days) / Decimal(str(half_life_days)))
            for touch in touches
        }
        exact = {touch: decay / sum(decays.values()) for touch, decay in decays.items()}
    return {touch: rounded(rounded(weight, "1e-30"), "1e-8") for touch, weight in exact.items()}


def divided(amount: Decimal | None, shares: list[Decimal], step: str) -> list[Decimal | None]:
    """Return the amount by shares in whole steps. What rounding down leaves goes to the largest remainders, of equal
    ones to the later."""
    if amount is None:
        return [None] * len(shares)
    exact = [share * amount / Decimal(step) for share in shares]
    steps = [value.to_integral_value(ROUND_FLOOR) for value in exact]
    by_remainder = sorted(range(len(shares)), key=lambda place: (exact[place] - steps[place], place), reverse=True)
    left = int(amount / Decimal(step) - sum(steps))
    for turn in range(abs(left)):
        if left > 0:
            steps[by_remainder[turn % len(shares)]] += 1
        else:  # weights are rounded up: of very large amounts the smallest remainders give
            steps[by_remainder[-1 - turn % len(shares)]] -= 1
    return [value * Decimal(step) for value in steps]


def attributed_touches(shop: oracle_finance.Shop) -> Mart:
    result, parameters = shop.result, shop.result.parameters
    mart = {}
    for order_id, purchase in result.purchases.items():
        bought_at, bought_on = shop.orders[order_id]["ordered_at"], purchase["purchased_on"]
        touches = credited(
            touches_before(
                touches_of(result, purchase["customer_id"]), bought_at, bought_on, parameters.attribution_window_days
            ),
            parameters,
        )
        for rule in RULES:
            if touches:
                weight_of = weights(rule, touches, bought_on, parameters.attribution_half_life_days)
            else:
                weight_of = {Touch(None, None, None, "none", None, None): Decimal(1)}
            revenues = divided(purchase["net_revenue"], list(weight_of.values()), "0.01")
            margins = divided(purchase["gross_margin"], list(weight_of.values()), "0.000001")
            for (touch, weight), revenue, margin in zip(weight_of.items(), revenues, margins):
                mart[order_id, rule, touch.kind, touch.touch_id] = {
                    "customer_id": purchase["customer_id"],
                    "as_of_date": shop.as_of_date,
                    "purchased_on": bought_on,
                    "channel": touch.channel,
                    "campaign_id": touch.campaign_id,
                    "touched_at": touch.touched_at and touch.touched_at.replace(tzinfo=None),
                    "weight": weight,
                    "net_revenue": revenue,
                    "gross_margin": margin,
                }
    return mart


def channel_performance(shop: oracle_finance.Shop, touches: Mart) -> Mart:
    raw = shop.result.raw
    spend = defaultdict(Decimal)
    for row in raw.tables["marketing_spend"]:
        if row["spend_date"] <= shop.as_of_date:
            spent = row["amount"] * raw.rates.on(row["currency"], row["spend_date"])
            spend[month_of(row["spend_date"]), row["channel"]] += spent
    rows_of, share = defaultdict(list), Decimal(str(shop.result.parameters.min_known_cost_share))
    for (order_id, rule, _, _), row in touches.items():
        rows_of[month_of(row["purchased_on"]), row["channel"], rule].append((order_id, row))
    mart = {}
    for month, channel, rule in rows_of.keys() | {(*key, rule) for key in spend for rule in RULES}:
        rows = rows_of[month, channel, rule]
        revenue = sum((row["net_revenue"] for _, row in rows), Decimal(0))
        cost = rounded(spend[month, channel], "1e-6") if spend else None
        mart[month, channel, rule] = {
            "as_of_date": shop.as_of_date,
            "purchases": sum((row["weight"] for _, row in rows), Decimal(0)),
            "new_buyer_purchases": sum(
                (row["weight"] for order_id, row in rows if is_of_new_buyer(shop, order_id)), Decimal(0)
            ),
            "net_revenue": revenue,
            "gross_margin": margin_of([row for _, row in rows], share),
            "spend": cost,
            "return_on_ad_spend": quotient(revenue, cost, 8),
        }
    return mart


def is_of_new_buyer(shop: oracle_finance.Shop, order_id: str) -> bool:
    """Whether the buyer's first purchase was in the same month; nobody is no new buyer."""
    if order_id not in shop.place:
        return False
    _, buyer = shop.place[order_id]
    return month_of(buyer.first_on) == month_of(shop.result.purchases[order_id]["purchased_on"])


def margin_of(rows: list[Row], min_known_share: Decimal) -> Decimal | None:
    """Return the margin of touches together: where some are unknown, null or, if so little must be known, estimated."""
    costed = [row for row in rows if row["gross_margin"] is not None]
    margin = sum((row["gross_margin"] for row in costed), Decimal(0))
    if len(costed) == len(rows):
        return margin
    revenue, costed_revenue = (sum((row["net_revenue"] for row in some), Decimal(0)) for some in (rows, costed))
    if min_known_share == 1 or not costed_revenue or costed_revenue < min_known_share * revenue:
        return None
    return rounded(margin + rounded(quotient(margin, costed_revenue, 8) * (revenue - costed_revenue), "1e-6"), "1e-6")


def email_purchases(result: Result) -> dict[str, tuple[int, Decimal]]:
    """Return campaign_id -> purchases and net revenue of which its email was clicked last."""
    shop, found = oracle_finance.Shop(result), defaultdict(lambda: (0, Decimal(0)))
    for order_id, purchase in result.purchases.items():
        clicks = [
            touch
            for touch in touches_before(
                touches_of(result, purchase["customer_id"]),
                shop.orders[order_id]["ordered_at"],
                purchase["purchased_on"],
                result.parameters.email_attribution_days,
            )
            if touch.kind == "email"
        ]
        if clicks and clicks[-1].campaign_id is not None:
            count, revenue = found[clicks[-1].campaign_id]
            found[clicks[-1].campaign_id] = count + 1, revenue + purchase["net_revenue"]
    return found
