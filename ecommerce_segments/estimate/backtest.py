"""Compare predictions with what customers then did, on three shops, and write the figures and plots of
docs/predictions.md.

Each shop is cut at a date: the models see what came before it, and predict what is known to have come after. Reads
data/cdnow, data/complete_journey, and the demo shop's warehouse as `segments run` leaves it.
"""

from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from ecommerce_segments import PROJECT, CannotDo
from ecommerce_segments.estimate.buy_till_you_die import BgNbd, GammaGamma, NotFitted, fit_bg_nbd, fit_gamma_gamma

PAGE = PROJECT / "docs" / "predictions.md"
IMAGES = PROJECT / "docs" / "images"

# One row per customer and day with a purchase, and the money of the day: customer_id, purchased_on, revenue.
CDNOW = "select customer_id, purchased_on, sum(amount) as revenue from '{data}/cdnow/transactions.parquet' group by all"
COMPLETE_JOURNEY = """
    select customer_id, purchased_on, sum(net_revenue) as revenue
    from (
        select
            customer_id,
            cast(timezone('America/New_York', timezone('UTC', ordered_at)) as date) as purchased_on,
            round(sum(quantity * unit_price - discount_amount), 2) as net_revenue
        from '{data}/complete_journey/orders.parquet'
        inner join '{data}/complete_journey/order_lines.parquet' using (order_id)
        group by all
        having net_revenue > 0
    )
    group by all
"""
DEMO = (
    "select customer_id, purchased_on, sum(net_revenue) as revenue from intermediate.int_purchases where customer_id"
    " is not null group by all"
)


@dataclass(frozen=True)
class Cut:
    """A shop cut at a date: the last day that the models see, and how many days they predict.

    classes: the least number of repeat days of each class that the table shows.
    """

    name: str
    sql: str
    last_day: str
    days: int
    classes: tuple[int, ...]


CDNOW_CUT = Cut("cdnow", CDNOW, "1997-09-30", 273, (0, 1, 2, 3, 4, 5, 6, 7))
COMPLETE_JOURNEY_CUT = Cut("complete_journey", COMPLETE_JOURNEY, "2017-06-30", 184, (0, 5, 10, 15, 20, 30, 40, 60))
DEMO_CUT = Cut("demo", DEMO, "2025-06-30", 365, (0, 1, 2, 3, 4, 5, 6, 7))


@dataclass(frozen=True)
class Holdout:
    """The fitted models of a cut, and one row per buyer: x, t_x, T, z, what was expected of them and what they did."""

    cut: Cut
    purchases: BgNbd
    money: GammaGamma
    buyers: pd.DataFrame


def histories(days: pd.DataFrame, last_day: pd.Timestamp) -> pd.DataFrame:
    """x, t_x, T (weeks), z and `spent`, by customer, from the days with a purchase up to the last day."""
    days = days[days["purchased_on"] <= last_day].sort_values("purchased_on")
    by_customer = days.groupby("customer_id")["purchased_on"]
    first, last = by_customer.min(), by_customer.max()
    repeats = days[days["purchased_on"] > days["customer_id"].map(first)]
    return pd.DataFrame(
        {
            "x": by_customer.size() - 1,
            "t_x": (last - first).dt.days / 7,
            "T": (last_day - first).dt.days / 7,
            "z": repeats.groupby("customer_id")["revenue"].mean(),
            "spent": days.groupby("customer_id")["revenue"].sum(),
        }
    )


def holdout(cut: Cut, connection: duckdb.DuckDBPyConnection) -> Holdout:
    """Fit the models on one side of the cut, and count on the other. connection: where the cut's SQL finds its tables.
    """
    days = (
        connection.sql(cut.sql.format(data=PROJECT / "data"))
        .df()
        .astype({"purchased_on": "datetime64[us]", "revenue": float})
    )
    last_day = pd.Timestamp(cut.last_day)
    buyers = histories(days, last_day)
    known = buyers[buyers["z"] > 0]
    purchases, money = (
        fit_bg_nbd(buyers["x"], buyers["t_x"], buyers["T"]).model,
        fit_gamma_gamma(known["x"], known["z"]).model,
    )
    after = days[
        (days["purchased_on"] > last_day) & (days["purchased_on"] <= last_day + pd.Timedelta(days=cut.days))
    ].groupby("customer_id")
    x, t_x, T, z = (buyers[name] for name in ("x", "t_x", "T", "z"))
    buyers["alive"] = purchases.probability_alive(x, t_x, T)
    buyers["expected"] = purchases.expected_purchases(x, t_x, T, cut.days / 7)
    buyers["actual"] = after.size().reindex(buyers.index, fill_value=0)
    buyers["expected_revenue"] = buyers["expected"] * money.expected_revenue(x, z)
    buyers["actual_revenue"] = after["revenue"].sum().reindex(buyers.index, fill_value=0)
    # What a shop would guess without a model: everybody goes on at their own pace so far.
    buyers["same_pace"] = np.where(T > 0, x / T.where(T > 0, 1) * cut.days / 7, 0)
    return Holdout(cut, purchases, money, buyers)


def by_class(found: Holdout) -> pd.DataFrame:
    """One row per class of repeat days: the number of buyers, and means per buyer."""
    edges = [*found.cut.classes, np.inf]
    labels = [
        f"{low}" if high == low + 1 else f"{low} and more" if high == np.inf else f"{low} to {high - 1}"
        for low, high in zip(edges, edges[1:])
    ]
    groups = found.buyers.groupby(pd.cut(found.buyers["x"], edges, right=False, labels=labels), observed=True)
    means = groups[["expected", "actual", "expected_revenue", "actual_revenue"]].mean()
    return means.assign(buyers=groups.size())


def section(found: Holdout) -> str:
    """The figures of a holdout, in Markdown."""
    r, alpha, a, b = found.purchases
    p, q, v = found.money
    buyers = found.buyers
    known = buyers[buyers["z"] > 0]
    totals = buyers[["expected", "actual", "same_pace", "expected_revenue", "actual_revenue"]].sum()
    fifth = len(buyers) // 5
    best = {
        by: buyers.nlargest(fifth, [by, "x"])["actual_revenue"].sum() / totals["actual_revenue"]
        for by in ("expected_revenue", "spent")
    }
    miss = {guess: (buyers[guess] - buyers["actual"]).abs().mean() for guess in ("expected", "same_pace")}
    lines = [
        f"Up to {found.cut.last_day} the models see {len(buyers):,} buyers, {(buyers['x'] > 0).sum():,} of whom came"
        " back. They predict the "
        f"{found.cut.days} days after it.",
        "",
        "| repeat days before | buyers | purchases expected | actual | net revenue expected | actual |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
        *(
            f"| {label} | {row.buyers:,.0f} | {row.expected:.2f} | {row.actual:.2f} | {row.expected_revenue:,.2f} |"
            f" {row.actual_revenue:,.2f} |"
            for label, row in by_class(found).iterrows()
        ),
        f"| all, together | {len(buyers):,} | {totals.expected:,.0f} | {totals.actual:,.0f} |"
        f" {totals.expected_revenue:,.0f} | "
        f"{totals.actual_revenue:,.0f} |",
        "",
        f"![Purchases per buyer, expected and actual](images/predictions_{found.cut.name}.svg)",
        "",
        f"- All purchases: expected {difference(totals.expected, totals.actual)}. "
        f"Had everybody gone on at their own pace: {difference(totals.same_pace, totals.actual)}.",
        f"- All net revenue: expected {difference(totals.expected_revenue, totals.actual_revenue)}.",
        f"- The purchases of one buyer: the expected ones are off by {miss['expected']:.2f} on average, those at their"
        " own pace by "
        f"{miss['same_pace']:.2f}.",
        f"- Whom to choose: the fifth with the highest expected value brought {100 * best['expected_revenue']:.1f} %"
        " of the net revenue; the fifth who "
        f"had spent most, {100 * best['spent']:.1f} %.",
        f"- Parameters: r = {r:.3f}, alpha = {alpha:.3f} weeks, a = {a:.3f}, b = {b:.3f}; p = {p:.2f}, q = {q:.2f}, v"
        f" = {v:.2f}. "
        f"Frequency and money correlate at {known['x'].corr(known['z']):.2f}.",
    ]
    return "\n".join(lines)


def difference(expected: float, actual: float) -> str:
    """By how many percent an expectation is too high or too low."""
    return f"{abs(expected / actual - 1) * 100:.1f} % too {'high' if expected > actual else 'low'}"


def plot(found: Holdout) -> str:
    """Expected and actual purchases per buyer, by class, as an SVG."""
    classes = by_class(found)
    left, top, width, height = 60, 40, 560, 220
    step, highest = width / len(classes), classes[["expected", "actual"]].to_numpy().max()
    scale = height / highest
    tick = float(f"{highest / 4:.0e}")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 20} {top + height + 60}" font-family="sans-serif" font-size="12" fill="#333">',  # noqa: E501
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for number in range(int(highest / tick) + 1):
        y = top + height - number * tick * scale
        parts.append(
            f'<path d="M{left} {y:.1f}h{width}" stroke="#ddd"/><text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{number * tick:g}</text>'  # noqa: E501
        )
    for place, (label, row) in enumerate(classes.iterrows()):
        for side, (value, colour) in enumerate(((row.expected, "#1f77b4"), (row.actual, "#bbb"))):
            x = left + place * step + step * (0.15 + 0.35 * side)
            parts.append(
                f'<rect x="{x:.1f}" y="{top + height - value * scale:.1f}" width="{step * 0.35:.1f}" height="{value * scale:.1f}" fill="{colour}"/>'  # noqa: E501
            )
        short = label.replace(" and more", "+").replace(" to ", "–")
        parts.append(
            f'<text x="{left + (place + 0.5) * step:.1f}" y="{top + height + 18}" text-anchor="middle">{short}</text>'
        )
    parts += [
        f'<text x="{left + width / 2}" y="{top + height + 42}" text-anchor="middle">days with a purchase before, the first one aside</text>',  # noqa: E501
        f'<text x="{left}" y="18">purchases per buyer in the {found.cut.days} days after {found.cut.last_day}</text>',
        f'<rect x="{left + 410}" y="8" width="12" height="12" fill="#1f77b4"/><text x="{left + 427}" y="18">expected</text>',  # noqa: E501
        f'<rect x="{left + 500}" y="8" width="12" height="12" fill="#bbb"/><text x="{left + 517}" y="18">actual</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def how_many_are_enough(found: Holdout, samples: int = 200) -> str:
    """What becomes of the fit if fewer buyers are known, in Markdown: samples of the buyers, compared with the fit of
    all."""
    rng = np.random.default_rng(0)
    repeat_buyers = (found.buyers["x"] > 0).sum()
    lines = ["| repeat buyers | no model | expected purchases, in four samples of five |", "| ---: | ---: | :---: |"]
    for wanted in (50, 100, 200, 400):
        off = []
        for _ in range(samples):
            some = found.buyers.sample(round(wanted / repeat_buyers * len(found.buyers)), random_state=rng)
            try:
                model = fit_bg_nbd(some["x"], some["t_x"], some["T"]).model
            except NotFitted:
                continue
            off.append(
                model.expected_purchases(some["x"], some["t_x"], some["T"], found.cut.days / 7).sum()
                / some["expected"].sum()
                - 1
            )
        low, high = 100 * np.quantile(off, (0.1, 0.9))
        lines.append(f"| {wanted} | {100 * (1 - len(off) / samples):.0f} % | {low:+.0f} % to {high:+.0f} % |")
    return "\n".join(lines)


def with_part(page: str, name: str, part: str) -> str:
    """The page with the part between its marks."""
    start, end = f"<!-- {name}: written by segments backtest -->\n", f"\n<!-- {name}: end -->"
    before, _, rest = page.partition(start)
    _, mark, after = rest.partition(end)
    assert mark, f"{PAGE} has no marks for {name}"
    return before + start + part + end + after


def write_backtests() -> None:
    """Write the figures and plots of docs/predictions.md, and print what was compared.

    Raises CannotDo where the demo is not built.
    """
    warehouse = PROJECT / "warehouse" / "demo.duckdb"
    if not warehouse.exists():
        raise CannotDo(f"There is no warehouse {warehouse.relative_to(PROJECT)}: run `segments run` first.")
    IMAGES.mkdir(exist_ok=True)
    with duckdb.connect() as files, duckdb.connect(warehouse, read_only=True) as demo:
        for cut, connection in ((CDNOW_CUT, files), (COMPLETE_JOURNEY_CUT, files), (DEMO_CUT, demo)):
            found = holdout(cut, connection)
            PAGE.write_text(with_part(PAGE.read_text(), cut.name, section(found)))
            (IMAGES / f"predictions_{cut.name}.svg").write_text(plot(found))
            if cut is CDNOW_CUT:
                PAGE.write_text(with_part(PAGE.read_text(), "enough", how_many_are_enough(found)))
            print(f"{cut.name}: {len(found.buyers):,} buyers")
    print(f"Wrote {PAGE.relative_to(PROJECT)} and its plots.")
