"""The warnings of docs/definitions.md, in plain Python and whole fractions. Never from our SQL.

    result = oracle.compute(rows, as_of_date=date(2025, 3, 31))
    marts = compute(result)     # as of the first date that is built: nothing is remembered
    alerts(Figures(...), earlier, volumes, ages)
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from oracle import Result

# source -> when a row of it is, and whether that is a moment or a date
DATED = {
    "orders": "ordered_at", "sessions": "started_at", "web_events": "occurred_at", "email_events": "occurred_at",
}  # fmt: skip
NORMAL = Fraction(14826, 10000)
Key = tuple[str, str]


@dataclass
class Figures:
    """What is known of a date: segment -> customers, (figure, subject) -> share of 8 places, and what the sizes mean:
    segment -> formula (None: not remembered) and segment -> sale."""

    sizes: dict[str, int] = field(default_factory=dict)
    shares: dict[Key, Decimal] = field(default_factory=dict)
    formulas: dict[str, str | None] = field(default_factory=dict)
    sales: dict[str, str | None] = field(default_factory=dict)


def compute(result: Result) -> dict[str, dict]:
    """Return mart -> key -> columns, of a shop that is built for the first time: built_figures by figure and subject,
    without the formulas, and alerts by kind and subject."""
    figures = shares(result)
    warned = alerts(Figures(shares=figures), [], result.parameters.as_of_date, volumes(result), ages(result))
    return {"built_figures": {key: {"share": share} for key, share in figures.items()}, "alerts": warned}


def shares(result: Result) -> dict[Key, Decimal]:
    """Return (figure, subject) -> share, half up to 8 places; of nothing there is none."""
    found = {("rejected_share", table): (counts.rejected, counts.received) for table, counts in result.counts.items()}
    contactable = sum(customer["is_contactable_by_email"] for customer in result.customers.values())
    found["contactable_share", "customers"] = (contactable, len(result.customers))
    last = result.parameters.as_of_date
    recent = [purchase for purchase in result.purchases.values() if (last - purchase["purchased_on"]).days < 90]
    unknown = sum(purchase["net_revenue"] for purchase in recent if purchase["cost"] is None)
    found["unknown_cost_share", "purchases"] = (unknown, sum(purchase["net_revenue"] for purchase in recent))
    return {key: to_8_places(Fraction(part) / Fraction(whole)) for key, (part, whole) in found.items() if whole}


def volumes(result: Result) -> dict[str, Counter]:
    """Return source -> date -> rows, up to the as-of date."""
    calendar, found = result.shop.calendar, {}
    for source, column in DATED.items():
        days = (calendar.day(row[column]) for row in result.raw.tables[source])
        found[source] = Counter(day for day in days if calendar.has_come(day))
    return found


def ages(result: Result) -> dict[Key, tuple[int, int]]:
    """Return (kind, subject) -> days since the newest row, and how many are usual."""
    last = result.parameters.as_of_date
    rated = [row["rate_date"] for row in result.raw.tables["exchange_rates"] if row["rate_date"] <= last]
    return {("stale_rates", "exchange_rates"): ((last - max(rated)).days, 7)} if rated else {}


def alerts(
    today: Figures, earlier: list[Figures], as_of_date: date, volumes: dict[str, Counter], ages: dict[Key, tuple]
) -> dict[Key, dict]:
    """Return (kind, subject) -> severity, value, usual_low and usual_high.

    earlier: of the dates that were built before, the latest last. volumes: source -> date -> rows.
    """
    last, found = earlier[-8:], {}

    def warn(kind, subject, value, low=None, high=None, severity="warning"):
        found[kind, subject] = {
            "severity": severity, "value": to_8_places(value), "usual_low": to_8_places(low),
            "usual_high": to_8_places(high),
        }  # fmt: skip

    for segment, customers in today.sizes.items():
        dates = [figures for figures in last if segment in figures.sizes]
        if len(dates) < 4:
            continue
        middle, spread = middle_and_spread([figures.sizes[segment] for figures in dates])
        usual = max(Fraction(20), middle / 5, 3 * NORMAL * spread)
        formulas = [figures.formulas.get(segment) for figures in dates]
        is_explained = any(formula not in (None, today.formulas.get(segment)) for formula in formulas) or any(
            figures.sales.get(segment) != today.sales.get(segment) for figures in dates
        )
        if abs(customers - middle) > usual:
            warn("segment_size", segment, customers, middle - usual, middle + usual,
                 "note" if is_explained else "warning")
        if customers == 0 and middle >= 20:
            warn("segment_emptied", segment, customers, middle - usual, middle + usual,
                 "note" if is_explained else "error")

    for source, rows in volumes.items():
        if not rows or (as_of_date - min(rows)).days < 28:
            continue
        days = [as_of_date - timedelta(days=7 * weeks) for weeks in range(1, 9)]
        middle, spread = middle_and_spread([rows[day] for day in days if day >= min(rows)])
        low = middle - max(middle / 2, 5 * NORMAL * spread)
        if rows[as_of_date] < low:
            warn("source_volume", source, rows[as_of_date], low, severity="error")

    for (figure, subject), share in today.shares.items():
        dates = [figures.shares[figure, subject] for figures in last if (figure, subject) in figures.shares]
        middle = middle_and_spread(dates)[0] if len(dates) >= 4 else None
        share = Fraction(share)
        if figure == "rejected_share":
            limit = Fraction(1, 100) if middle is None else max(Fraction(1, 100), 3 * middle)
            if share > limit:
                warn(figure, subject, share, high=limit)
        elif middle is not None and figure == "contactable_share" and middle - share > Fraction(5, 100):
            warn(figure, subject, share, low=middle - Fraction(5, 100))
        elif middle is not None and figure == "unknown_cost_share" and share - middle > Fraction(5, 100):
            warn(figure, subject, share, high=middle + Fraction(5, 100))

    for (kind, subject), (days, usual) in ages.items():
        if days > usual:
            warn(kind, subject, days, high=usual)
    return found


def middle_and_spread(values: list) -> tuple[Fraction, Fraction]:
    """Return the median, and the median of the absolute deviations from it."""
    middle = median([Fraction(value) for value in values])
    return middle, median([abs(Fraction(value) - middle) for value in values])


def median(values: list[Fraction]) -> Fraction:
    """Return the value in the middle, or the mean of the two."""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2


def to_8_places(value: Fraction | int | None) -> Decimal | None:
    """Return a number half up, away from zero, to 8 places."""
    if value is None:
        return None
    steps = Fraction(value) * 10**8
    return (Decimal(steps.numerator) / steps.denominator).quantize(Decimal(1), ROUND_HALF_UP).scaleb(-8)
