"""A second, independent reading of the section on the funnel, value and sales of docs/definitions.md, in plain Python.

It starts from what tests/oracle.py and tests/oracle_finance.py know of a shop and from the raw rows, and never looks at
the SQL.

    marts = compute(oracle.compute(rows, as_of_date=date(2025, 3, 31)))
    marts["funnel_monthly"][date(2025, 3, 1), "search", "all"]["sessions_with_order"]

Money is Decimal in the reporting currency, rates are Decimal with 8 places, rounded half up.
"""

from bisect import bisect_left
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from statistics import median

import oracle
from oracle import Result, Row, grouped
from oracle_finance import (
    Mart,
    Shop,
    amount_per,
    channel_name,
    churn_monthly,
    last_day,
    month_of,
    months_before,
    net_revenue_of,
    rate,
)

# mart -> the columns that tell its rows apart
KEYS = {
    "customers": ["customer_id"],
    "funnel_monthly": ["month", "channel", "buyer_type"],
    "signup_months": ["month", "channel"],
    "value_per_year": ["segment"],
    "sale_results": ["sale_campaign_id"],
    "reasons": ["month", "kind", "reason"],
}
HOUR = timedelta(hours=1)


def compute(result: Result) -> dict[str, Mart]:
    """Return mart -> key -> columns, for the marts of KEYS; of customers, the columns that this section adds."""
    with localcontext() as context:
        context.prec = 100  # sums and products of decimals stay exact
        shop = Shop(result)
        return {
            "customers": customers(shop),
            "funnel_monthly": funnel_monthly(shop),
            "signup_months": signup_months(shop),
            "value_per_year": value_per_year(shop),
            "sale_results": sale_results(shop),
            "reasons": reasons(shop),
        }


def calendar_of(shop: Shop) -> oracle.Calendar:
    return oracle.Calendar(shop.as_of_date, shop.result.parameters.shop_timezone)


# ---------------------------------------------------------------- customers


def customers(shop: Shop) -> Mart:
    calendar, parameters = calendar_of(shop), shop.result.parameters
    window_margins, sold_of = {}, defaultdict(list)
    for order_id, product_id in kept_products(shop):
        sold_of[shop.result.purchases[order_id]["customer_id"]].append((order_id, product_id))
    for customer_id, buyer in shop.buyers.items():
        in_window = [p for p in buyer.purchases if calendar.in_last_days(p["purchased_on"], parameters.rfm_window_days)]
        if in_window:
            window_margins[customer_id] = shop.margin_estimate(in_window)
    # The shop knows a margin of each, or of none.
    ranked = sorted(margin for margin in window_margins.values() if margin is not None)
    mart = {}
    for customer_id in shop.result.customers:
        purchases = shop.buyers[customer_id].purchases if customer_id in shop.buyers else []
        of_the_year = [p for p in purchases if calendar.in_last_days(p["purchased_on"], 365)]
        delivered = [p["delivered_on"] for p in purchases if p["delivered_on"] is not None]
        mart[customer_id] = {
            "purchases_365d": len(of_the_year),
            "net_revenue_365d": net_revenue_of(of_the_year),
            "margin_tier": margin_tier(ranked, window_margins.get(customer_id)),
            "loyalty_tier": loyalty_tier(shop, net_revenue_of(of_the_year)),
            "last_delivered_on": max(delivered, default=None),
            "days_to_second_purchase":
                (purchases[1]["purchased_on"] - purchases[0]["purchased_on"]).days if len(purchases) > 1 else None,
            "last_three_products": last_three_products(shop, sold_of[customer_id]),
            "open_cart_products": open_cart_products(shop, customer_id),
        }
    return mart


def margin_tier(ranked: list[Decimal], margin: Decimal | None) -> str | None:
    """ranked: the margins of all, the least first."""
    return None if margin is None else ("low", "middle", "high")[3 * bisect_left(ranked, margin) // len(ranked)]


def loyalty_tier(shop: Shop, net_revenue: Decimal) -> str | None:
    reached = [(amount, tier) for tier, amount in shop.result.loyalty_tiers if net_revenue >= amount]
    return max(reached)[1] if reached else None


def last_three_products(shop: Shop, sold: list[tuple[str, str]]) -> str | None:
    """Return the ids of the products bought last, a product once: the newest purchase first, then by id. sold: a
    customer's orders and products."""
    bought_at = {}
    for order_id, product_id in sold:
        moment = shop.orders[order_id]["ordered_at"]
        bought_at[product_id] = max(moment, bought_at.get(product_id, moment))
    newest = sorted(bought_at, key=lambda product_id: (oracle.LATEST - bought_at[product_id], product_id))
    return ", ".join(newest[:3]) or None


def kept_products(shop: Shop) -> list[tuple[str, str]]:
    """Return (order, product) of the purchases' lines that are not fully refunded, of products that are known."""
    if not hasattr(shop, "kept_products"):
        tables = shop.result.raw.tables
        products = {product["product_id"]: product for product in tables["products"]}
        calendar, refunded = calendar_of(shop), defaultdict(Decimal)
        for refund in tables["refunds"]:
            if refund["amount"] > 0 and calendar.has_come(calendar.day(refund["refunded_at"])):
                refunded[refund["order_id"], refund["order_line_id"]] += refund["amount"]
        lines_of = grouped(oracle.counted_lines(tables["order_lines"], products), "order_id")
        shop.kept_products = []
        for order_id in shop.result.purchases:
            lines, order = lines_of[order_id], shop.orders[order_id]
            for line in lines:
                named = (order_id, line["order_line_id"])
                paid = oracle.line_net(line) - oracle.share_of_discount(line, order, lines)
                if not (named in refunded and refunded[named] >= paid) and line["product_id"] in products:
                    shop.kept_products.append((order_id, line["product_id"]))
    return shop.kept_products


def open_cart_products(shop: Shop, customer_id: str) -> str | None:
    known = shop.result.shop
    sessions = [s for s in known.sessions_of.get(customer_id, []) if s["session_id"] in known.open_carts]
    last = max(sessions, key=lambda session: (session["started_at"], session["session_id"]), default=None)
    pieces = defaultdict(int)
    for event in known.web_events_of.get(customer_id, []):
        if last and event["session_id"] == last["session_id"] and event["product_id"] is not None:
            pieces[event["product_id"]] += {"add_to_cart": 1, "remove_from_cart": -1}.get(event["event_type"], 0)
    return ", ".join(sorted(product for product, count in pieces.items() if count > 0)) or None


# ---------------------------------------------------------------- the funnel


def ordered(shop: Shop) -> list[Row]:
    return [order for order in shop.result.shop.orders if order["status"] != "cancelled"]


def funnel_monthly(shop: Shop) -> Mart:
    known = shop.result.shop
    orders_of = grouped(ordered(shop), "owner")
    events_of = defaultdict(set)
    for events in known.web_events_of.values():
        for event in events:
            events_of[event["session_id"]].add(event["event_type"])
    bought_at = defaultdict(list)
    for order_id, purchase in shop.result.purchases.items():
        bought_at[purchase["customer_id"]].append(shop.orders[order_id]["ordered_at"])
    rows = defaultdict(lambda: defaultdict(int))
    for owner, sessions in known.sessions_of.items():
        sessions = sorted(sessions, key=lambda session: (session["started_at"], session["session_id"]))
        for session, following in zip(sessions, [*sessions[1:], None]):
            start = session["started_at"]
            orders = orders_of.get(owner, []) if owner is not None else []
            has_order = any(
                start <= order["ordered_at"] <= start + 24 * HOUR
                and (following is None or order["ordered_at"] < following["started_at"])
                for order in orders
            )
            has_cart = "add_to_cart" in events_of[session["session_id"]]
            is_recovered = has_cart and not has_order and any(
                start <= order["ordered_at"] <= start + 7 * 24 * HOUR for order in orders
            )
            steps = {
                "sessions": True,
                "sessions_with_product_view": "product_view" in events_of[session["session_id"]],
                "sessions_with_cart": has_cart,
                "sessions_with_checkout": "checkout_start" in events_of[session["session_id"]],
                "sessions_with_order": has_order,
                "carts_without_order": has_cart and not has_order,
                "recovered_carts": is_recovered,
            }
            channel = channel_name(session["channel"] or "unknown")
            kind = buyer_type(bought_at[owner], owner, start)
            for key in {(channel, kind), ("all", kind), (channel, "all"), ("all", "all")}:
                for step, is_reached in steps.items():
                    rows[month_of(session["started_on"]), *key][step] += is_reached
    return {
        key: {
            "as_of_date": shop.as_of_date,
            **row,
            "conversion_rate": rate(row["sessions_with_order"], row["sessions"]),
            "abandonment_rate": rate(row["carts_without_order"], row["sessions_with_cart"]),
            "recovery_rate": rate(row["recovered_carts"], row["carts_without_order"]),
        }
        for key, row in rows.items()
    }


def buyer_type(bought_at: list, owner: str | None, moment) -> str:
    """bought_at: the moments of the owner's purchases."""
    if owner is None:
        return "anonymous"
    return ("lead", "new", "returning")[min(sum(bought < moment for bought in bought_at), 2)]


def signup_months(shop: Shop) -> Mart:
    orders_of = grouped(ordered(shop), "owner")
    signups = defaultdict(list)  # (month, channel) -> days to the first order of each who signed up, or None
    for customer_id, customer in shop.result.customers.items():
        consented_on = customer["consented_on"]
        if consented_on is not None:
            first = min((order["ordered_on"] for order in orders_of.get(customer_id, [])), default=None)
            days = (first - consented_on).days if first is not None and first >= consented_on else None
            signups[month_of(consented_on), channel_name(customer["acquisition_channel"] or "unknown")].append(days)
    return {
        (month, channel): {
            "as_of_date": shop.as_of_date,
            "subscribed_customers": len(all_days),
            **{
                f"first_orders_{limit}d": sum(days is not None and days <= limit for days in all_days)
                if last_day(month) + timedelta(days=limit) <= shop.as_of_date else None
                for limit in (30, 90)
            },
            "median_days_to_first_order": middle([days for days in all_days if days is not None]),
        }
        for (month, channel), all_days in signups.items()
    }


def middle(values: list[int]) -> Decimal | None:
    return Decimal(str(median(values))) if values else None


# ---------------------------------------------------------------- value


def value_per_year(shop: Shop) -> Mart:
    calendar = calendar_of(shop)
    churn = yearly_churn(shop)
    years = 1 / churn if churn else None
    members = {
        name: {member[0] if isinstance(member, tuple) else member for member in found}
        for name, found in shop.result.segments.items()
    } | {"all": set(shop.result.customers)}
    mart = {}
    for segment, ids in members.items():
        buyers = [shop.buyers[customer_id] for customer_id in ids if customer_id in shop.buyers]
        bought = [[p for p in buyer.purchases if calendar.in_last_days(p["purchased_on"], 365)] for buyer in buyers]
        estimates = [shop.margin_estimate(purchases) for purchases in bought]
        margin = None if None in estimates or not buyers else sum(estimates, Decimal(0)) / len(buyers)
        value = offer = None
        if margin is not None and years is not None:
            exact_years = Decimal(years.numerator) / Decimal(years.denominator)
            growth = 1 + Decimal(str(shop.result.parameters.discount_rate_per_year))
            value = margin * exact_years
            offer = margin * (1 - growth**-exact_years) / (growth - 1)
        mart[segment] = {
            "as_of_date": shop.as_of_date,
            "buyers": len(buyers),
            "net_revenue_per_buyer_365d": amount_per(sum(map(net_revenue_of, bought), Decimal(0)), len(buyers)),
            "gross_margin_per_buyer_365d": to_places(margin, 6),
            "yearly_churn_rate": to_places(churn, 8),
            "expected_years": to_places(years, 6),
            "value_over_years": to_places(value, 6),
            "prepaid_offer": to_places(offer, 6),
        }
    return mart


def yearly_churn(shop: Shop) -> Fraction | None:
    """Return 1 less the product of the last 12 whole months' retention; None where one of them has none."""
    bands = churn_monthly(shop)
    months = [month for month in shop.months if shop.is_over(month)][-12:]
    kept = Fraction(1)
    for month in months:
        of_month = [row for (of, _), row in bands.items() if of == month]
        opening = int(sum(row["opening_customers"] for row in of_month))
        churned = int(sum(row["churned_customers"] for row in of_month))
        if not opening:
            return None
        kept *= 1 - Fraction(churned, opening)
    return 1 - kept if len(months) == 12 else None


def to_places(value: Decimal | Fraction | None, places: int) -> Decimal | None:
    if isinstance(value, Fraction):
        value = Decimal(value.numerator) / Decimal(value.denominator)
    return None if value is None else oracle.rounded(value, f"1e-{places}")


# ---------------------------------------------------------------- sales


def sale_results(shop: Shop) -> Mart:
    editions = {sale.sale_campaign_id: sale for sale in shop.result.sales}
    mart = {}
    for sale in shop.result.sales:
        if sale.starts_on > shop.as_of_date:
            continue
        bought = [p for p in shop.result.purchases.values() if oracle.is_during(p["purchased_on"], sale)]
        buyers = buyers_during(shop, sale)
        new = {name for name in buyers if oracle.is_during(shop.buyers[name].first_on, sale)}
        others = {
            name for name, buyer in shop.buyers.items()
            if months_before(sale.ends_on, 12) < buyer.first_on <= sale.ends_on and name not in new
        }
        prior = editions.get(sale.prior_sale_campaign_id)
        last_year = buyers_during(shop, prior) if prior else None
        is_judged = sale.ends_on + timedelta(days=180) <= shop.as_of_date
        back, others_back = ({n for n in group if came_back(shop, n, sale)} for group in (new, others))
        low, high = newcombe(len(back), len(new), len(others_back), len(others)) if is_judged else (None, None)
        mart[sale.sale_campaign_id] = {
            "as_of_date": shop.as_of_date,
            "starts_on": sale.starts_on,
            "ends_on": sale.ends_on,
            "is_over": sale.ends_on <= shop.as_of_date,
            "sale_days": (min(sale.ends_on, shop.as_of_date) - sale.starts_on).days + 1,
            "purchases": len(bought),
            "net_revenue": net_revenue_of(bought),
            "discounted_share": rate(sum(p["is_discounted"] for p in bought), len(bought)),
            "gross_margin": shop.margin(bought),
            "buyers": len(buyers),
            "new_buyers": len(new),
            "reactivated_buyers": sum(is_reactivated(shop, name, sale) for name in buyers),
            "new_buyers_back": len(back) if is_judged else None,
            "new_buyer_return_rate": rate(len(back), len(new)) if is_judged else None,
            "other_new_buyers": len(others) if is_judged else None,
            "other_new_buyers_back": len(others_back) if is_judged else None,
            "other_new_buyer_return_rate": rate(len(others_back), len(others)) if is_judged else None,
            "return_rate_difference": to_places(
                Fraction(len(back), len(new)) - Fraction(len(others_back), len(others)), 8
            ) if is_judged and new and others else None,
            "return_rate_difference_from": low,
            "return_rate_difference_to": high,
            "last_year_buyers": len(last_year) if prior else None,
            "last_year_buyers_back": len(last_year & buyers) if prior else None,
        }
    return mart


def buyers_during(shop: Shop, sale: oracle.Sale) -> set[str]:
    return {name for name, buyer in shop.buyers.items() if any(oracle.is_during(day, sale) for day in buyer.dates)}


def is_reactivated(shop: Shop, name: str, sale: oracle.Sale) -> bool:
    """Whether the last purchase before the customer's first one in the sale is more than 180 days earlier."""
    dates = shop.buyers[name].dates
    first_in_it = min(day for day in dates if oracle.is_during(day, sale))
    earlier = [day for day in dates if day < first_in_it]
    return bool(earlier) and (first_in_it - max(earlier)).days > 180


def came_back(shop: Shop, name: str, sale: oracle.Sale) -> bool:
    return any(1 <= (day - sale.ends_on).days <= 180 for day in shop.buyers[name].dates)


def newcombe(successes, trials, other_successes, other_trials) -> tuple[Decimal | None, Decimal | None]:
    """Return the limits of the 95 % interval of a difference of two shares, 8 places; None where a group is empty.

    Source: Newcombe (1998), Interval estimation for the difference between independent proportions, method 10.
    """
    if not trials or not other_trials:
        return None, None
    share, other_share = Decimal(successes) / trials, Decimal(other_successes) / other_trials
    (low, high), (other_low, other_high) = wilson(successes, trials), wilson(other_successes, other_trials)
    below = ((share - low) ** 2 + (other_high - other_share) ** 2).sqrt()
    above = ((high - share) ** 2 + (other_share - other_low) ** 2).sqrt()
    return to_places(share - other_share - below, 8), to_places(share - other_share + above, 8)


def wilson(successes: int, trials: int) -> list[Decimal]:
    z, share = Decimal("1.959964"), Decimal(successes) / trials
    centre = share + z * z / (2 * trials)
    reach = z * (share * (1 - share) / trials + z * z / (4 * trials * trials)).sqrt()
    return [(centre + side * reach) / (1 + z * z / trials) for side in (-1, 1)]


# ---------------------------------------------------------------- reasons


def reasons(shop: Shop) -> Mart:
    raw, known, calendar = shop.result.raw, shop.result.shop, calendar_of(shop)
    orders = {order["order_id"]: order for order in known.orders}
    found = defaultdict(lambda: [0, None])
    for refund in raw.tables["refunds"]:
        day, order = calendar.day(refund["refunded_at"]), orders.get(refund["order_id"])
        if order is not None and refund["amount"] > 0 and calendar.has_come(day):
            row = found[month_of(day), "refunds", refund["reason"] or "unknown"]
            row[0] += 1
            row[1] = (row[1] or 0) + refund["amount"] * raw.rates.on(order["currency"], order["ordered_on"])
    for owner, reviews in known.reviews_of.items():
        for review in reviews if owner not in known.people.test_customers else []:
            found[month_of(review["reviewed_on"]), "reviews", review["topic"] or "unknown"][0] += 1
    totals = defaultdict(int)
    for (month, kind, _), (count, _) in found.items():
        totals[month, kind] += count
    return {
        key: {
            "as_of_date": shop.as_of_date,
            "occurrences": count,
            "refunded_amount": to_places(money, 6),
            "share_of_month": rate(count, totals[key[0], key[1]]),
        }
        for key, (count, money) in found.items()
    }
