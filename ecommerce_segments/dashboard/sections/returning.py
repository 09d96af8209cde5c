"""New and returning buyers: who makes the revenue."""

from datetime import date

from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.months import last_months, ratio, span
from ecommerce_segments.dashboard.rendering import render


def returning(shop: Shop) -> str:
    """Net revenue by month, of new and of returning buyers."""
    rows = shop.rows("from marts.revenue_by_buyer_type order by month desc")
    months: dict[date, dict[str, dict]] = {}
    for row in last_months(rows, 13):
        months.setdefault(row["month"], {})[row["buyer_type"]] = row
    whole = [row for row in rows if row["is_complete"]]
    whole = last_months(whole) if whole else []
    return render(
        "returning",
        shop,
        months=months,
        whole=whole,
        span=span(whole) if whole else None,
        share=ratio(
            sum(row["net_revenue"] for row in whole if row["buyer_type"] == "returning"),
            sum(row["net_revenue"] for row in whole),
        ),
        largest=max((sum(row["net_revenue"] for row in types.values()) for types in months.values()), default=0),
        hero_multiple=rows[0]["hero_multiple"] if rows else None,
    )
