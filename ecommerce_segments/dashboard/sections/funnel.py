"""The funnel: how far visits go, by channel and month, and what sales brought."""

from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.months import last_months, ratio, span, total
from ecommerce_segments.dashboard.rendering import render

MOST_CHANNELS = 10
STEPS = ("sessions_with_product_view", "sessions_with_cart", "sessions_with_checkout", "sessions_with_order")


def funnel(shop: Shop) -> str:
    """Steps of the sessions of the last 12 whole months by channel, conversion by month, and the results of sales."""
    rows = shop.rows("from marts.funnel_monthly where buyer_type = 'all' order by month desc, channel")
    whole = [row for row in rows if row["is_complete"]]
    recent = last_months(whole) if whole else []

    def steps(channel: str) -> dict:
        own = [row for row in recent if row["channel"] == channel]
        sessions = total(own, "sessions")
        carts = total(own, "carts_without_order")
        return {
            "channel": channel,
            "sessions": sessions,
            "shares": [ratio(total(own, step), sessions) for step in STEPS],
            "abandoned": ratio(carts, total(own, "sessions_with_cart")),
            "recovered": ratio(total(own, "recovered_carts"), carts),
        }

    channels = [steps(channel) for channel in sorted({row["channel"] for row in recent})]
    channels.sort(key=lambda row: -row["sessions"])
    named = [row for row in channels if row["channel"] != "all"]
    return render(
        "funnel",
        shop,
        channels=named[:MOST_CHANNELS],
        rest=len(named[MOST_CHANNELS:]),
        everything=next((row for row in channels if row["channel"] == "all"), None),
        span=span(recent) if recent else None,
        months=[row for row in last_months(rows, 13) if row["channel"] == "all"] if rows else [],
        sales=shop.rows("from marts.sale_results order by starts_on desc, sale_campaign_id limit 8")
        if "sale_results" in shop.marts
        else [],
    )
