"""Cost of new buyers: what each channel asks for one, and when that is paid back."""

from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.months import last_months, ratio, span, total
from ecommerce_segments.dashboard.rendering import render

MOST_CHANNELS = 10


def acquisition(shop: Shop) -> str:
    """What a new buyer costs by channel, and what those of a year ago have brought in their first 12 months."""
    rows = shop.rows("from marts.acquisition_costs order by month desc")
    if not any(row["spend"] and row["is_complete"] for row in rows):
        return render("acquisition", shop, channels=[], rows=rows)
    recent, old = ([row for row in rows if row[flag]] for flag in ("is_complete", "is_12_months_old"))
    recent, old = last_months(recent), last_months(old)

    # Rows of the totals stand among those of the channels. What was published before they were there has none.
    names = {row["channel"] for row in rows}
    totals: list[str | None] = [name for name in ("paid", "all") if name in names] if "all" in names else []

    def figures(name: str | None) -> dict:
        now, then = ([row for row in part if name is None or row["channel"] == name] for part in (recent, old))
        bought = [row for row in then if row["new_buyers"]]
        is_known = all(row["gross_margin_12m_per_new_buyer"] is not None for row in bought)
        margin = sum(row["gross_margin_12m_per_new_buyer"] * row["new_buyers"] for row in bought) if is_known else None
        buyers, spend = total(bought, "new_buyers"), total(then, "spend")
        paid = [row["payback_months"] for row in bought if row["spend"]]
        return {
            "channel": name, "spend": total(now, "spend"), "new_buyers": total(now, "new_buyers"),
            "cost": ratio(total(now, "spend"), total(now, "new_buyers")), "old_buyers": buyers,
            "margin": ratio(margin, buyers), "times": ratio(margin, spend), "cost_then": ratio(spend, buyers),
            "paid": sorted(months for months in paid if months is not None), "unpaid": paid.count(None)}

    channels = sorted({row["channel"] for row in [*recent, *old]} - {*totals})
    channels = sorted(map(figures, channels), key=lambda row: (-row["spend"], -row["new_buyers"], row["channel"]))
    shown = [
        row["channel"]
        for row in channels[:MOST_CHANNELS]
        if row["spend"] or any(old["channel"] == row["channel"] and old["spend"] for old in rows)
    ]
    cells = {(row["month"], row["channel"]): row for row in last_months(rows, 24)}
    return render(
        "acquisition",
        shop,
        channels=channels[:MOST_CHANNELS],
        rest=len(channels[MOST_CHANNELS:]),
        totals=[figures(name) for name in totals or [None]],
        recent=span(recent),
        old=span(old) if old else None,
        paid_channels=[*shown, *totals] if shown else [],
        cells=cells,
        months=sorted({month for month, _ in cells}, reverse=True),
        rows=rows,
    )
