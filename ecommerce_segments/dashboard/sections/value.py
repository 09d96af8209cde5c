"""Value and margin: what each segment's members brought."""

from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.rendering import render


def value(shop: Shop) -> str:
    """Net revenue of the last 365 days, by who is in which segment today, and gross margin so far."""
    year = """
        select count(*) as purchases, sum(net_revenue) as net_revenue_365d, avg(net_revenue) as average_order_value_365d
        from marts.purchases
        where purchased_on > cast($day as date) - 365
    """
    everybody = shop.rows(f"{year} and customer_id is not null", day=shop.as_of_date)[0]
    whole = shop.rows(year, day=shop.as_of_date)[0]
    performance = {row["segment"]: row for row in shop.rows("from marts.segment_performance")}
    segments = [
        segment | performance[segment["segment"]] for segment in shop.segments if segment["segment"] in performance
    ]
    earning = sorted(
        (segment for segment in segments if segment["purchases_365d"]), key=lambda segment: -segment["net_revenue_365d"]
    )
    idle = [segment for segment in segments if not segment["purchases_365d"] and not segment["not_delivered"]]
    return render("value", shop, everybody=everybody, whole=whole, parts=[earning[:6], earning[6:]], idle=idle)
