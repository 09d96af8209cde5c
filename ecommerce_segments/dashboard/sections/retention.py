"""Who comes back: cohorts of first buyers, and the ladder of purchases."""

from datetime import date

from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.months import ratio
from ecommerce_segments.dashboard.rendering import render


def retention(shop: Shop) -> str:
    """Who bought again in which month after the first, and how many make the next purchase within a year."""
    cohorts: dict[date, dict[int, dict]] = {}
    for row in shop.rows(
        "from marts.cohort_retention where months_since <= 12 order by cohort_month desc, months_since"
    ):
        cohorts.setdefault(row["cohort_month"], {})[row["months_since"]] = row
    whole = [
        row
        for ages in cohorts.values()
        for row in ages.values()
        if row["months_since"] and row["retention_rate"] is not None
    ]
    pooled = {}
    for age in range(1, 13):
        of_age = [row for row in whole if row["months_since"] == age]
        pooled[age] = ratio(
            sum(row["customers_with_purchase"] for row in of_age), sum(row["customers"] for row in of_age)
        )
    aged = [(month, ages) for month, ages in cohorts.items() if len(ages) > 1]
    rungs = shop.rows("from marts.repeat_purchases order by purchase_number")
    return render(
        "retention",
        shop,
        parts=[aged[:13], aged[13:37]],
        rest=len(aged[37:]),
        pooled=pooled,
        ages=range(1, 13),
        largest=max((row["retention_rate"] for row in whole), default=0),
        rungs=[rungs[:5], rungs[5:12]],
        is_judged=any(rung["judged_customers"] for rung in rungs),
    )
