"""A second, independent reading of the money section of docs/definitions.md, in plain Python.

It starts from what tests/oracle.py knows of a shop (who is a customer, what is a purchase, who is in a segment) and
from the raw rows, and never looks at the SQL. Everything is asked of the moments that the page names: no running
totals, no changes.

    marts = compute(oracle.compute(rows, as_of_date=date(2025, 3, 31)))
    marts["churn_monthly"][date(2025, 1, 1), "new"]["new_customers"]

Money is Decimal in the reporting currency, rates are Decimal with 8 places, both rounded half up as the page says.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from decimal import Decimal, localcontext
from functools import cache, cached_property
from itertools import accumulate
from statistics import median

import oracle
from oracle import Result, Row, grouped, rounded

# mart -> the columns that tell its rows apart
KEYS = {
    "purchases": ["order_id"],
    "customer_value": ["customer_id"],
    "acquisition_costs": ["month", "channel"],
    "churn_monthly": ["month", "tenure_band"],
    "cohort_retention": ["cohort_month", "months_since"],
    "repeat_purchases": ["purchase_number"],
    "revenue_by_buyer_type": ["month", "buyer_type"],
    "segment_performance": ["segment"],
}

Mart = dict[object, Row]


def compute(result: Result) -> dict[str, Mart]:
    """Return mart -> key -> columns, for the marts of KEYS. A key of one column is its value, else a tuple."""
    with localcontext() as context:
        context.prec = 100  # sums and products of decimals stay exact
        shop = Shop(result)
        return {
            "purchases": purchases(shop),
            "customer_value": customer_value(shop),
            "acquisition_costs": acquisition_costs(shop),
            "churn_monthly": churn_monthly(shop),
            "cohort_retention": cohort_retention(shop),
            "repeat_purchases": repeat_purchases(shop),
            "revenue_by_buyer_type": revenue_by_buyer_type(shop),
            "segment_performance": segment_performance(shop),
        }


# ---------------------------------------------------------------- numbers and months


def quotient(dividend: Decimal | int | None, divisor: Decimal | int | None, places: int) -> Decimal | None:
    """Return the quotient, rounded half up; None where one of the two is unknown or the divisor is 0."""
    if dividend is None or not divisor:
        return None
    return rounded(Decimal(dividend) / Decimal(divisor), f"1e-{places}")


def rate(part, whole) -> Decimal | None:
    return quotient(part, whole, 8)


def amount_per(total, count) -> Decimal | None:
    return quotient(total, count, 6)


def month_of(day: date) -> date:
    return day.replace(day=1)


def last_day(month: date) -> date:
    return month_of(month + timedelta(days=31)) - timedelta(days=1)


@cache
def months_before(day: date, months: int) -> date:
    """Return the same day so many calendar months before, or that month's last day."""
    year, month0 = divmod(day.year * 12 + day.month - 1 - months, 12)
    month = date(year, month0 + 1, 1)
    return min(month.replace(day=min(day.day, last_day(month).day)), last_day(month))


@cache
def whole_months(earlier: date, later: date) -> int:
    """Return how many whole calendar months lie between: the most m with earlier <= months_before(later, m)."""
    months = (later.year - earlier.year) * 12 + later.month - earlier.month
    return months if earlier <= months_before(later, months) else months - 1


# ---------------------------------------------------------------- the shop


@dataclass
class Buyer:
    """A customer with their purchases, each a Row of `oracle`, in order."""

    customer_id: str
    channel: str
    purchases: list[Row] = field(default_factory=list)

    @cached_property
    def dates(self) -> list[date]:
        return [purchase["purchased_on"] for purchase in self.purchases]

    @cached_property
    def revenue_up_to(self) -> list[Decimal]:
        """The net revenue of the first 0, 1, 2, ... purchases."""
        return list(accumulate((purchase["net_revenue"] for purchase in self.purchases), initial=Decimal(0)))

    @property
    def first_on(self) -> date:
        return self.dates[0]

    def purchases_by(self, day: date) -> int:
        return bisect_right(self.dates, day)

    def is_live(self, day: date, inactive_after_days: int) -> bool:
        """Whether the last purchase up to the day is at most so many days back."""
        count = self.purchases_by(day)
        return count > 0 and (day - self.dates[count - 1]).days <= inactive_after_days

    def revenue(self, day: date) -> Decimal:
        """Return the net revenue of the 365 days that end with the day."""
        before = self.purchases_by(day - timedelta(days=365))
        return self.revenue_up_to[self.purchases_by(day)] - self.revenue_up_to[before]


class Shop:
    """What the marts are asked of."""

    def __init__(self, result: Result):
        self.result = result
        self.as_of_date = result.parameters.as_of_date
        self.orders = {order["order_id"]: order for order in result.raw.tables["orders"]}
        by_customer = defaultdict(list)
        for order_id, purchase in result.purchases.items():
            if purchase["customer_id"] is not None:
                by_customer[purchase["customer_id"]].append((order_id, purchase))
        self.buyers, self.place = {}, {}  # place: order_id -> (number, buyer)
        for customer_id, named in by_customer.items():
            named.sort(key=lambda pair: (pair[1]["purchased_on"], self.orders[pair[0]]["ordered_at"], pair[0]))
            channel = result.customers[customer_id]["acquisition_channel"] or "unknown"
            buyer = Buyer(customer_id, channel, [purchase for _, purchase in named])
            self.buyers[customer_id] = buyer
            self.place |= {order_id: (number, buyer) for number, (order_id, _) in enumerate(named, 1)}

    @cached_property
    def months(self) -> list[date]:
        """The calendar months from that of the first purchase of a customer to that of the as-of date."""
        month = min((month_of(buyer.first_on) for buyer in self.buyers.values()), default=None)
        months = []
        while month is not None and month <= self.as_of_date:
            months.append(month)
            month = last_day(month) + timedelta(days=1)
        return months

    def is_over(self, month: date) -> bool:
        return last_day(month) <= self.as_of_date

    def margin(self, purchases: Iterable[Row]) -> Decimal | None:
        """Return the gross margin of a group of purchases; None where too little of its cost is known."""
        purchases = list(purchases)
        costed = [purchase for purchase in purchases if purchase["gross_margin"] is not None]
        net_revenue, costed_revenue = net_revenue_of(purchases), net_revenue_of(costed)
        margin = sum((purchase["gross_margin"] for purchase in costed), Decimal(0))
        if len(costed) == len(purchases):
            return rounded(margin, "1e-6")
        if not costed or costed_revenue < Decimal(str(self.result.parameters.min_known_cost_share)) * net_revenue:
            return None
        return rounded(margin + rounded(rate(margin, costed_revenue) * (net_revenue - costed_revenue), "1e-6"), "1e-6")


    @cached_property
    def margin_rate(self) -> Decimal | None:
        """What the shop earns of its purchases of known cost, nobody's among them."""
        costed = [purchase for purchase in self.result.purchases.values() if purchase["gross_margin"] is not None]
        return rate(sum((purchase["gross_margin"] for purchase in costed), Decimal(0)), net_revenue_of(costed))

    def margin_estimate(self, purchases: Iterable[Row]) -> Decimal | None:
        """Return the gross margin of a customer's purchases, those of unknown cost at the shop's rate; None without
        one."""
        purchases = list(purchases)
        unknown = net_revenue_of(purchase for purchase in purchases if purchase["gross_margin"] is None)
        if unknown and self.margin_rate is None:
            return None
        known = sum(
            (purchase["gross_margin"] for purchase in purchases if purchase["gross_margin"] is not None), Decimal(0)
        )
        return rounded(known + unknown * (self.margin_rate or 0), "1e-6")


def known_share(purchases: Iterable[Row]) -> Decimal | None:
    purchases = list(purchases)
    return rate(
        net_revenue_of(purchase for purchase in purchases if purchase["gross_margin"] is not None),
        net_revenue_of(purchases),
    )


def net_revenue_of(purchases: Iterable[Row]) -> Decimal:
    return sum((purchase["net_revenue"] for purchase in purchases), Decimal(0))


# ---------------------------------------------------------------- purchases and customers


def purchases(shop: Shop) -> Mart:
    tables = shop.result.raw.tables
    products = {product["product_id"]: product for product in tables["products"]}
    lines_of = grouped(oracle.counted_lines(tables["order_lines"], products), "order_id")
    refunds_of = grouped(tables["refunds"], "order_id")
    calendar = oracle.Calendar(shop.as_of_date, shop.result.parameters.shop_timezone)
    mart = {}
    for order_id, purchase in shop.result.purchases.items():
        order, bought_on = shop.orders[order_id], purchase["purchased_on"]
        exchange_rate = shop.result.raw.rates.on(order["currency"], bought_on)
        refunded = sum((refund["amount"] for refund in refunds_of[order_id]
                        if calendar.has_come(calendar.day(refund["refunded_at"]))), Decimal(0))
        number, buyer = shop.place.get(order_id, (None, None))
        sale = sale_on(bought_on, shop.result.sales)
        mart[order_id] = {
            **{
                name: purchase[name]
                for name in ("customer_id", "purchased_on", "net_revenue", "cost", "gross_margin", "is_discounted")
            },
            "as_of_date": shop.as_of_date,
            "purchased_at": order["ordered_at"].astimezone(UTC).replace(tzinfo=None),
            "first_purchased_on": buyer and buyer.first_on,
            "purchase_number": number,
            "buyer_type": buyer and ("new" if month_of(buyer.first_on) == month_of(bought_on) else "returning"),
            "gross_amount": rounded(
                sum(map(oracle.line_gross, lines_of[order_id]), Decimal(0)) * exchange_rate, "1e-6"
            ),
            "discount_amount": rounded(
                (order["discount_amount"] + sum((line["discount_amount"] for line in lines_of[order_id]), Decimal(0)))
                * exchange_rate,
                "1e-6",
            ),
            "refunded_amount": rounded(refunded * exchange_rate, "1e-6"),
            "is_refunded": refunded > 0,
            "sale_campaign_id": sale and sale.sale_campaign_id,
        }
    return mart


def sale_on(day: date, sales: list[oracle.Sale]) -> oracle.Sale | None:
    """Return the sale running on a day; of several the one that started last, then the later end, then the larger id.
    """
    running = [sale for sale in sales if oracle.is_during(day, sale)]
    return max(running, key=lambda sale: (sale.starts_on, sale.ends_on, sale.sale_campaign_id), default=None)


def customer_value(shop: Shop) -> Mart:
    mart = {}
    for customer_id, customer in shop.result.customers.items():
        buyer = shop.buyers.get(customer_id)
        mart[customer_id] = {
            name: customer[name] for name in ("purchase_count", "net_revenue", "gross_margin", "average_order_value",
                                              "first_purchased_on", "last_purchased_on")
        } | {"gross_margin_estimate": shop.margin_estimate(buyer.purchases if buyer else []),
             "margin_known_share": known_share(buyer.purchases if buyer else []),
             "first_purchase_margin": None, "months_as_buyer": None, "repeat_purchase_days": None,
             "days_first_to_last": None, "days_first_to_as_of": None, "revenue_per_repeat_day": None}
        if buyer is not None:
            repeat_days = set(buyer.dates) - {buyer.first_on}
            mart[customer_id] |= {
                "first_purchase_margin": buyer.purchases[0]["gross_margin"],
                "months_as_buyer": whole_months(buyer.first_on, shop.as_of_date),
                "repeat_purchase_days": len(repeat_days),
                "days_first_to_last": (buyer.dates[-1] - buyer.first_on).days,
                "days_first_to_as_of": (shop.as_of_date - buyer.first_on).days,
                "revenue_per_repeat_day": amount_per(
                    net_revenue_of(p for p in buyer.purchases if p["purchased_on"] in repeat_days), len(repeat_days)),
            }
    return mart


# ---------------------------------------------------------------- acquisition


def channel_name(channel: str) -> str:
    """Return what the mart calls a channel: `all` and `paid` are its totals."""
    return f"{channel} (channel)" if channel in ("all", "paid") else channel


def acquisition_costs(shop: Shop) -> Mart:
    raw = shop.result.raw
    spend, is_known = defaultdict(Decimal), False
    for row in raw.tables["marketing_spend"]:
        if row["spend_date"] <= shop.as_of_date:
            is_known = True
            spend[month_of(row["spend_date"]), channel_name(row["channel"])] += row["amount"] * raw.rates.on(
                row["currency"], row["spend_date"]
            )
    buyers_of = defaultdict(list)
    for buyer in shop.buyers.values():
        buyers_of[month_of(buyer.first_on), channel_name(buyer.channel)].append(buyer)
    for month, channel in spend.keys() | buyers_of.keys():
        closing = min(last_day(month), shop.as_of_date)
        is_paid = any(
            channel_name(row["channel"]) == channel
            and row["amount"] > 0
            and 0 <= (closing - row["spend_date"]).days < 365
            for row in raw.tables["marketing_spend"]
        )
        for total in ("all", "paid") if is_paid else ("all",):
            spend[month, total] += spend[month, channel]
            buyers_of[month, total] += buyers_of[month, channel]
    mart = {}
    for month, channel in spend.keys() | buyers_of.keys():
        cost = rounded(spend[month, channel], "1e-6") if is_known else None
        buyers = buyers_of[month, channel]
        # A month of the youngest possible buyer is over for all of them.
        months_had = whole_months(last_day(month), shop.as_of_date)
        bought_in = defaultdict(list)  # whole months since the buyer's first purchase -> purchases
        for buyer in buyers:
            for purchase in buyer.purchases:
                bought_in[whole_months(buyer.first_on, purchase["purchased_on"])].append(purchase)

        def first_months(months: int) -> list[Row]:
            return [purchase for since in range(months) for purchase in bought_in[since]]

        row = {
            "is_total": channel in ("all", "paid"),
            "as_of_date": shop.as_of_date,
            "is_complete": shop.is_over(month),
            "spend": cost,
            "new_buyers": len(buyers),
            "acquisition_cost": amount_per(cost, len(buyers)),
            "is_12_months_old": months_had >= 12,
            "known_cost_share_12m": None,
            "gross_margin_12m_per_new_buyer": None,
            "gross_margin_12m_to_acquisition_cost": None,
            "payback_months": None,
        }
        if months_had >= 12 and buyers:
            year = first_months(12)
            margin = shop.margin(year)
            row["known_cost_share_12m"] = rate(
                net_revenue_of(p for p in year if p["gross_margin"] is not None), net_revenue_of(year)
            )
            row["gross_margin_12m_per_new_buyer"] = amount_per(margin, len(buyers))
            row["gross_margin_12m_to_acquisition_cost"] = rate(margin, cost)
        for months in range(max(months_had, 0) + 1) if buyers and is_known else ():
            margin = shop.margin(first_months(months))
            if margin is not None and margin >= cost:
                row["payback_months"] = months
                break
        mart[month, channel] = row
    return mart


# ---------------------------------------------------------------- churn and retention


def churn_monthly(shop: Shop) -> Mart:
    limit = shop.result.parameters.inactive_after_days
    mart = {}
    for month in shop.months:
        opening, closing = month - timedelta(days=1), min(last_day(month), shop.as_of_date)
        sums = {band: defaultdict(Decimal) for band in ("new", "first_time", "short", "mid", "long")}
        for buyer in shop.buyers.values():
            if buyer.first_on > closing:
                continue
            totals = sums[tenure_band(buyer, opening)]
            was_live, is_live = buyer.is_live(opening, limit), buyer.is_live(closing, limit)
            has_come = not was_live and buyer.purchases_by(closing) > buyer.purchases_by(opening)
            before, after = buyer.revenue(opening), buyer.revenue(closing)
            if was_live:
                count(totals, "opening", before)
            if has_come:
                count(totals, "new" if buyer.first_on > opening else "returned", after)
            if (was_live or has_come) and not is_live:
                count(totals, "churned", before if was_live else after)
            if was_live and is_live:
                totals["expansion_revenue"] += max(after - before, Decimal(0))
                totals["contraction_revenue"] += max(before - after, Decimal(0))
            if is_live:
                count(totals, "closing", after)
        for band, totals in sums.items():
            row = {f"{name}_{unit}": totals[f"{name}_{unit}"] for unit in ("customers", "revenue")
                   for name in ("opening", "new", "returned", "churned", "closing")}
            is_over = shop.is_over(month)
            mart[month, band] = row | {
                "as_of_date": shop.as_of_date,
                "is_complete": is_over,
                "expansion_revenue": totals["expansion_revenue"],
                "contraction_revenue": totals["contraction_revenue"],
                "customer_churn_rate": rate(row["churned_customers"], row["opening_customers"]) if is_over else None,
                "revenue_churn_rate": rate(row["churned_revenue"], row["opening_revenue"]) if is_over else None,
                "revenue_loss_rate": rate(
                    row["churned_revenue"] + totals["contraction_revenue"], row["opening_revenue"]
                )
                if is_over
                else None,
            }
    return mart


def tenure_band(buyer: Buyer, opening: date) -> str:
    days = (opening - buyer.first_on).days
    if days < 0:
        return "new"
    if buyer.purchases_by(opening) == 1:
        return "first_time"
    return "short" if days <= 90 else "mid" if days <= 365 else "long"


def count(totals: dict, name: str, revenue: Decimal) -> None:
    totals[f"{name}_customers"] += 1
    totals[f"{name}_revenue"] += revenue


def cohort_retention(shop: Shop) -> Mart:
    cohorts = defaultdict(list)
    for buyer in shop.buyers.values():
        cohorts[month_of(buyer.first_on)].append(buyer)
    mart = {}
    for cohort, buyers in cohorts.items():
        bought_in = defaultdict(list)
        for buyer in buyers:
            for purchase in buyer.purchases:
                bought_in[month_of(purchase["purchased_on"])].append(purchase)
        so_far = []
        for since, month in enumerate(month for month in shop.months if month >= cohort):
            so_far += bought_in[month]
            active = len({purchase["customer_id"] for purchase in bought_in[month]})
            is_over = shop.is_over(month)
            mart[cohort, since] = {
                "month": month,
                "as_of_date": shop.as_of_date,
                "is_complete": is_over,
                "customers": len(buyers),
                "customers_with_purchase": active,
                "retention_rate": rate(active, len(buyers)) if is_over or since == 0 else None,
                "net_revenue": net_revenue_of(bought_in[month]),
                "gross_margin": shop.margin(bought_in[month]),
                "cumulative_net_revenue_per_customer": amount_per(net_revenue_of(so_far), len(buyers))
                if is_over
                else None,
                "cumulative_gross_margin_per_customer": amount_per(shop.margin(so_far), len(buyers))
                if is_over
                else None,
            }
    return mart


# ---------------------------------------------------------------- repeat purchases


def repeat_purchases(shop: Shop) -> Mart:
    mart = {}
    most = max((len(buyer.dates) for buyer in shop.buyers.values()), default=0)
    for n in range(1, most + 1):
        buyers = [buyer for buyer in shop.buyers.values() if len(buyer.dates) >= n]
        judged = [buyer for buyer in buyers if (shop.as_of_date - buyer.dates[n - 1]).days >= 365]
        days = [(buyer.dates[n] - buyer.dates[n - 1]).days for buyer in judged if len(buyer.dates) > n]
        days = [gap for gap in days if gap <= 365]
        low, high = wilson_interval(len(days), len(judged)) if judged else (None, None)
        mart[n] = {
            "as_of_date": shop.as_of_date,
            "customers": len(buyers),
            "judged_customers": len(judged),
            "repeated_customers": len(days),
            "repeat_rate": rate(len(days), len(judged)),
            "repeat_rate_from": low,
            "repeat_rate_to": high,
            "median_days": Decimal(str(median(days))) if days else None,
        }
    return mart


def wilson_interval(successes: int, trials: int) -> tuple[Decimal, Decimal]:
    """Return the 95 % interval of a share, 8 places.

    Source: Wilson (1927), Probable Inference, the Law of Succession, and Statistical Inference.
    """
    z, share = Decimal("1.959964"), Decimal(successes) / trials
    centre = share + z * z / (2 * trials)
    reach = z * (share * (1 - share) / trials + z * z / (4 * trials * trials)).sqrt()
    return tuple(rounded((centre + side * reach) / (1 + z * z / trials), "1e-8") for side in (-1, 1))


# ---------------------------------------------------------------- buyer types and segments


def revenue_by_buyer_type(shop: Shop) -> Mart:
    purchases_of = defaultdict(list)
    for buyer in shop.buyers.values():
        for purchase in buyer.purchases:
            month = month_of(purchase["purchased_on"])
            purchases_of[month, "new" if month == month_of(buyer.first_on) else "returning"].append(purchase)
    revenues = {customer_id: net_revenue_of(buyer.purchases) for customer_id, buyer in shop.buyers.items()}
    heroes = shop.result.segments["hero_customers"]
    hero_revenue, revenue = sum((revenues[hero] for hero in heroes), Decimal(0)), sum(revenues.values(), Decimal(0))
    hero_multiple = rate(hero_revenue * len(revenues), revenue * len(heroes)) if heroes else None
    mart = {}
    for month in shop.months:
        month_revenue = net_revenue_of(purchases_of[month, "new"] + purchases_of[month, "returning"])
        for buyer_type in ("new", "returning"):
            bought = purchases_of[month, buyer_type]
            mart[month, buyer_type] = {
                "as_of_date": shop.as_of_date,
                "is_complete": shop.is_over(month),
                "buyers": len({purchase["customer_id"] for purchase in bought}),
                "purchases": len(bought),
                "net_revenue": net_revenue_of(bought),
                "average_order_value": amount_per(net_revenue_of(bought), len(bought)),
                "share_of_net_revenue": rate(net_revenue_of(bought), month_revenue),
                "hero_multiple": hero_multiple,
            }
    return mart


def segment_performance(shop: Shop) -> Mart:
    mart = {}
    calendar = oracle.Calendar(shop.as_of_date, shop.result.parameters.shop_timezone)
    bought = {days: {customer_id: [p for p in buyer.purchases if calendar.in_last_days(p["purchased_on"], days)]
                     for customer_id, buyer in shop.buyers.items()} for days in (30, 365)}
    for segment, members in shop.result.segments.items():
        ids = {member[0] if isinstance(member, tuple) else member for member in members}
        customers = [shop.result.customers[customer_id] for customer_id in ids]
        by_days = {days: [p for customer_id in ids for p in bought[days].get(customer_id, [])] for days in (30, 365)}
        estimates = [shop.margin_estimate(bought[365].get(customer_id, [])) for customer_id in ids]
        mailed = [customer for customer in customers if customer["emails_received_180d"] > 0]
        mart[segment] = {
            "as_of_date": shop.as_of_date,
            "customers": len(ids),
            "contactable_customers": sum(customer["is_contactable_by_email"] for customer in customers),
            "purchases_30d": len(by_days[30]),
            "net_revenue_30d": net_revenue_of(by_days[30]),
            "purchases_365d": len(by_days[365]),
            "net_revenue_365d": net_revenue_of(by_days[365]),
            "average_order_value_365d": amount_per(net_revenue_of(by_days[365]), len(by_days[365])),
            "gross_margin_estimate_365d": None if None in estimates else sum(estimates, Decimal(0)),
            "margin_known_share_365d": known_share(by_days[365]),
            "sessions_30d": sum(customer["sessions_30d"] for customer in customers),
            "mailed_customers_180d": len(mailed),
            "email_click_rate_180d": rate(sum(customer["email_clicks_180d"] > 0 for customer in mailed), len(mailed)),
        }
    return mart
