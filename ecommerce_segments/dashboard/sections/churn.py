"""Who is lost: live buyers that each month takes away."""

from ecommerce_segments.dashboard.charts import Chart
from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.months import last_months, ratio, span
from ecommerce_segments.dashboard.rendering import render

BANDS = {
    "first_time": "One purchase",
    "short": "Several, up to 90 days",
    "mid": "Several, up to a year",
    "long": "Several, over a year",
}


def churn(shop: Shop) -> str:
    """The share of live buyers that each month loses, by how long they had been buyers at its opening."""
    rows = shop.rows("from marts.churn_monthly where tenure_band <> 'new' order by month")
    first = min((row["month"] for row in rows if row["churned_customers"]), default=None)
    whole = [row for row in rows if first and row["month"] >= first and row["is_complete"]]
    if not whole:
        return render("churn", shop, chart=None, rows=rows)
    whole = last_months(whole, 24)
    year, months = last_months(whole), sorted({row["month"] for row in whole})
    bands = {
        "all": "All",
        **{band: title for band, title in BANDS.items() if any(row["tenure_band"] == band for row in whole)},
    }

    def of(band: str, part: list[dict]) -> dict:
        part = [row for row in part if band in ("all", row["tenure_band"])]
        sums = {column: sum(row[column] for row in part) for column in (
            "opening_customers", "churned_customers", "opening_revenue", "churned_revenue", "contraction_revenue")}
        return sums | {
            "rate": ratio(sums["churned_customers"], sums["opening_customers"]),
            "revenue_rate": ratio(sums["churned_revenue"], sums["opening_revenue"]),
            "loss_rate": ratio(sums["churned_revenue"] + sums["contraction_revenue"], sums["opening_revenue"]),
        }

    by_month = {
        (band, month): of(band, [row for row in whole if row["month"] == month]) for band in bands for month in months
    }
    drawn = {band for band in bands if any(by_month[band, month]["churned_customers"] for month in months)}
    # Who first bought a few weeks ago cannot have lapsed: a line at 0 would praise them for it.
    rates = {key: None if row["rate"] is None else float(row["rate"]) for key, row in by_month.items()}
    traces = [
        {"name": title, "points": [(str(month), rates[band, month]) for month in months]}
        for band, title in bands.items()
        if band in drawn
    ]
    chart = Chart(
        "churn",
        "lines",
        traces,
        "Lines: the share of live buyers lost in each month, of all and by tenure.",
        axis={"dates": [str(month) for month in months], "unit": "share", "told": "month"},
    )
    return render(
        "churn",
        shop,
        chart=chart,
        bands=bands,
        drawn=drawn,
        by_month=by_month,
        months=months,
        last=months[-1],
        first=first,
        rows=rows,
        year={band: of(band, year) for band in bands},
        span=span(year),
    )
