"""Warnings: what is not as it was on the dates built before."""

from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.rendering import render


def alerts(shop: Shop) -> str:
    """The sentences of the mart `alerts`, the worst first, and from when on segments are compared."""
    found = shop.rows("""
        from marts.alerts
        order by case severity when 'error' then 1 when 'warning' then 2 else 3 end, kind, subject
    """)
    return render("alerts", shop, alerts=found)
