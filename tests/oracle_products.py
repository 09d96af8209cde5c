"""A second, independent reading of the products section of docs/definitions.md, in plain Python.

It starts from what tests/oracle.py knows of a shop: who bought when, and which products of the catalogue were in it. It
never looks at the SQL. Shares are exact fractions until they are rounded, and logarithms have 60 digits.

    marts = compute(oracle.compute(rows, as_of_date=date(2025, 3, 31)))
    marts["product_affinities"]["tea", "pot"]["lift"]
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from itertools import combinations, pairwise
from math import ceil
from statistics import median

Row = dict[str, object]
Mart = dict[object, Row]

# mart -> the columns that tell its rows apart
KEYS = {
    "product_affinities": ["product_id", "other_product_id"],
    "category_affinities": ["category", "other_category"],
    "next_products": ["customer_id", "next_product_number"],
    "gateway_products": ["kind", "product_id", "category"],
    "product_replenishments": ["product_id"],
    "due_products": ["customer_id", "product_id"],
}


def compute(result) -> dict[str, Mart]:
    """Return mart -> key -> columns, for the marts of KEYS, of an oracle.Result. A key of one column is its value."""
    shop = Shop(result.shop)
    names = {product["product_id"]: product for product in result.raw.tables["products"]}
    affinities = affinities_of(shop, shop.products_held, "product")
    for (one, other), row in affinities.items():
        row |= {"product_name": names[one]["product_name"], "other_product_name": names[other]["product_name"]}
    return {
        "product_affinities": affinities,
        "category_affinities": affinities_of(shop, shop.categories_held, "category"),
        "next_products": next_products(shop, affinities),
        "gateway_products": gateway_products(shop, names),
        "product_replenishments": {
            product_id: {
                "as_of_date": shop.as_of_date,
                "product_name": names[product_id]["product_name"],
                "category": names[product_id]["category"],
                "buyers": len({customer_id for customer_id, _ in gaps}),
                "gaps": len(gaps),
                "median_gap_days": decimal_of(median_of(days for _, days in gaps), 1),
            }
            for product_id, gaps in shop.replenishments.items()
        },
        "due_products": due_products(shop),
    }


def resellers(result) -> int:
    """Return how many customers of an oracle.Result are left out as resellers."""
    return len(Shop(result.shop).resellers)


def add_products_due(customers: dict[str, Row], shop) -> None:
    """Write into each customer how many products are due, from what oracle.py knows of the shop."""
    due = Counter(customer_id for customer_id, _ in due_products(Shop(shop)))
    for customer_id, customer in customers.items():
        customer["products_due"] = due[customer_id]


def decimal_of(number: Fraction, places: int) -> Decimal:
    """Return the number, half up (away from zero) to so many places."""
    with localcontext() as context:
        context.prec = 100
        return (Decimal(number.numerator) / number.denominator).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def median_of(numbers: Iterable[int]) -> Fraction:
    return median(map(Fraction, numbers))


class Shop:
    """The purchases of customers, resellers aside, and what they hold."""

    def __init__(self, shop):
        self.parameters, self.calendar = shop.parameters, shop.calendar
        self.as_of_date = shop.parameters.as_of_date
        ordered_at = {order["order_id"]: order["ordered_at"].astimezone(UTC) for order in shop.orders}
        purchases_of = defaultdict(list)  # customer -> purchases, the earliest first
        for order_id in sorted(shop.purchases, key=lambda order_id: (ordered_at[order_id], order_id)):
            purchase = shop.purchases[order_id]
            if purchase["customer_id"] is not None:
                purchases_of[purchase["customer_id"]].append(purchase)
        held = {key: self.held_in_window(purchases, "products") for key, purchases in purchases_of.items()}
        most = self.parameters.affinity_max_products
        self.resellers = {customer_id for customer_id, products in held.items() if len(products) > most}
        self.purchases_of = {key: purchases for key, purchases in purchases_of.items() if key not in self.resellers}
        self.products_held = {key: held[key] for key in self.purchases_of if held[key]}
        categories = {key: self.held_in_window(rows, "categories") for key, rows in self.purchases_of.items()}
        self.categories_held = {key: found for key, found in categories.items() if found}

    def held_in_window(self, purchases: list[Row], what: str) -> set[str]:
        in_window = (purchase for purchase in purchases if self.calendar.in_last_days(purchase["purchased_on"], 365))
        return set().union(*(purchase[what] for purchase in in_window))

    def bought_dates(self) -> dict[tuple[str, str], list[date]]:
        """Return (customer, product) -> the dates on which they bought it, of all time."""
        dates = defaultdict(set)
        for customer_id, purchases in self.purchases_of.items():
            for purchase in purchases:
                for product_id in purchase["products"]:
                    dates[customer_id, product_id].add(purchase["purchased_on"])
        return {key: sorted(days) for key, days in dates.items()}

    @property
    def replenishments(self) -> dict[str, list[tuple[str, int]]]:
        """Return product -> (buyer, days between two consecutive dates), where there are enough of them."""
        gaps = defaultdict(list)
        for (customer_id, product_id), dates in self.bought_dates().items():
            gaps[product_id] += [(customer_id, (later - earlier).days) for earlier, later in pairwise(dates)]
        least = self.parameters.replenishment_min_gaps
        return {product_id: found for product_id, found in gaps.items() if found and len(found) >= least}


# ---------------------------------------------------------------- what goes with what


def affinities_of(shop: Shop, held: dict[str, set[str]], thing: str) -> Mart:
    """Return the ten best B of each A, among the products or categories that buyers hold."""
    everybody, parameters = len(held), shop.parameters
    buyers = Counter(item for items in held.values() for item in items)
    both = Counter(pair for items in held.values() for pair in combinations(sorted(items), 2))
    rows = defaultdict(dict)
    for (first, second), common in both.items():
        lift = decimal_of(Fraction(common * everybody, buyers[first] * buyers[second]), 8)
        if common < parameters.affinity_min_buyers or lift <= 1:
            continue
        g2 = log_likelihood_ratio(common, buyers[first], buyers[second], everybody)
        for one, other in ((first, second), (second, first)):
            rows[one][other] = {
                "as_of_date": shop.as_of_date,
                "buyers": everybody,
                f"{thing}_buyers": buyers[one],
                f"other_{thing}_buyers": buyers[other],
                "common_buyers": common,
                "support": decimal_of(Fraction(common, everybody), 8),
                "confidence": decimal_of(Fraction(common, buyers[one]), 8),
                "lift": lift,
                "log_likelihood_ratio": g2,
            }
    mart = {}
    for one, others in rows.items():
        best = sorted((-row["log_likelihood_ratio"], -row["common_buyers"], other) for other, row in others.items())
        for number, (_, _, other) in enumerate(best[:10], 1):
            mart[one, other] = others[other] | {"affinity_number": number}
    return mart


def log_likelihood_ratio(common: int, buyers: int, other_buyers: int, everybody: int) -> Decimal:
    """Return G2 of the 2 x 2 table of who bought both, one alone, the other alone and none, to 6 places.

    Source: Dunning (1993), Accurate Methods for the Statistics of Surprise and Coincidence.
    """
    others, other_others = everybody - buyers, everybody - other_buyers
    cells = [
        (common, buyers, other_buyers),
        (buyers - common, buyers, other_others),
        (other_buyers - common, others, other_buyers),
        (others - other_buyers + common, others, other_others),
    ]
    with localcontext() as context:
        context.prec = 60
        terms = [found * (Decimal(found * everybody) / (row * column)).ln() for found, row, column in cells if found]
        return (2 * sum(terms)).quantize(Decimal("1e-6"), ROUND_HALF_UP)


def next_products(shop: Shop, affinities: Mart) -> Mart:
    """Return the three best products that each buyer of the window has never bought."""
    of_product = defaultdict(list)
    for (one, other), row in affinities.items():
        of_product[one].append((other, row))
    mart = {}
    for customer_id, held in shop.products_held.items():
        ever = set().union(*(purchase["products_ever"] for purchase in shop.purchases_of[customer_id]))
        reasons = defaultdict(list)
        for one in held:
            for other, row in of_product[one]:
                if other not in ever:
                    reasons[other].append((-row["confidence"], -row["lift"], one))
        best = sorted((min(found)[:2], other, min(found)[2]) for other, found in reasons.items())
        for number, ((confidence, lift), other, because) in enumerate(best[:3], 1):
            mart[customer_id, number] = {
                "as_of_date": shop.as_of_date,
                "product_id": other,
                "because_product_id": because,
                "confidence": -confidence,
                "lift": -lift,
            }
    return mart


# ---------------------------------------------------------------- what begins well


def gateway_products(shop: Shop, names: dict[str, Row]) -> Mart:
    age = {key: (shop.as_of_date - purchases[0]["purchased_on"]).days for key, purchases in shop.purchases_of.items()}
    judged = {key: purchases for key, purchases in shop.purchases_of.items() if age[key] >= 180}
    begun_with = defaultdict(list)
    for customer_id, purchases in judged.items():
        for product_id in purchases[0]["products"]:
            begun_with["product", product_id].append(customer_id)
        for category in purchases[0]["categories"]:
            begun_with["category", category].append(customer_id)

    def has_returned(customer_id: str) -> bool:
        first, *later = judged[customer_id]
        return any(1 <= (purchase["purchased_on"] - first["purchased_on"]).days <= 180 for purchase in later)

    returned = {customer_id for customer_id in judged if has_returned(customer_id)}
    least, mart = shop.parameters.gateway_min_buyers, {}
    for (kind, item), customers in begun_with.items():
        if len(customers) < least:
            continue
        back = sum(customer_id in returned for customer_id in customers)
        low, high = wilson_interval(back, len(customers))
        mature = [judged[key] for key in customers if age[key] >= 364]
        year = [
            purchase
            for purchases in mature
            for purchase in purchases
            if (purchase["purchased_on"] - purchases[0]["purchased_on"]).days < 365
        ]
        is_told = len(mature) >= least
        margin = margin_of(year, shop.parameters) if is_told else None
        revenue = sum(Fraction(purchase["net_revenue"]) for purchase in year)
        key = ("product", item, names[item]["category"]) if kind == "product" else ("category", None, item)
        mart[key] = {
            "as_of_date": shop.as_of_date,
            "product_name": names[item]["product_name"] if kind == "product" else None,
            "first_buyers": len(customers),
            "returned_buyers": back,
            "return_rate": decimal_of(Fraction(back, len(customers)), 8),
            "return_rate_from": low,
            "return_rate_to": high,
            "shop_return_rate": decimal_of(Fraction(len(returned), len(judged)), 8),
            "buyers_of_365d": len(mature),
            "net_revenue_365d_per_buyer": decimal_of(revenue / len(mature), 6) if is_told else None,
            "gross_margin_365d_per_buyer": None if margin is None else decimal_of(Fraction(margin) / len(mature), 6),
        }
    return mart


def margin_of(purchases: list[Row], parameters) -> Decimal | None:
    """Return the gross margin of several purchases, None where too little of their cost is known."""
    costed = [purchase for purchase in purchases if purchase["gross_margin"] is not None]
    margin = sum((Fraction(purchase["gross_margin"]) for purchase in costed), Fraction(0))
    if len(costed) == len(purchases):
        return decimal_of(margin, 6)
    revenue = sum(Fraction(purchase["net_revenue"]) for purchase in purchases)
    costed_revenue = sum(Fraction(purchase["net_revenue"]) for purchase in costed)
    if not costed or costed_revenue < Fraction(str(parameters.min_known_cost_share)) * revenue:
        return None
    return decimal_of(margin + Fraction(decimal_of(margin / costed_revenue, 8)) * (revenue - costed_revenue), 6)


def wilson_interval(successes: int, trials: int) -> tuple[Decimal, Decimal]:
    """Return the 95 % interval of a share, 8 places (Wilson 1927)."""
    with localcontext() as context:
        context.prec = 60
        z, share = Decimal("1.959964"), Decimal(successes) / trials
        centre = share + z * z / (2 * trials)
        reach = z * (share * (1 - share) / trials + z * z / (4 * trials * trials)).sqrt()
        ends = ((centre + side * reach) / (1 + z * z / trials) for side in (-1, 1))
        return tuple(end.quantize(Decimal("1e-8"), ROUND_HALF_UP) for end in ends)


# ---------------------------------------------------------------- what is due


def due_products(shop: Shop) -> Mart:
    usual = {product_id: median_of(days for _, days in gaps) for product_id, gaps in shop.replenishments.items()}
    mart = {}
    for (customer_id, product_id), dates in shop.bought_dates().items():
        is_own = len(dates) >= 3
        own = (later - earlier for earlier, later in pairwise(dates))
        gap = median_of(days.days for days in own) if is_own else usual.get(product_id)
        days = (shop.as_of_date - dates[-1]).days
        if gap is not None and Fraction(8, 10) * gap <= days <= Fraction(12, 10) * gap:
            mart[customer_id, product_id] = {
                "as_of_date": shop.as_of_date,
                "last_bought_on": dates[-1],
                "bought_dates": len(dates),
                "is_own_gap": is_own,
                "expected_gap_days": decimal_of(gap, 1),
                "due_on": dates[-1] + timedelta(days=ceil(gap)),
            }
    return mart
