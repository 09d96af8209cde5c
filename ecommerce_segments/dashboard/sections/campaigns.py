"""What campaigns brought: lift over their holdouts."""

from difflib import get_close_matches

from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.rendering import render


def campaigns(shop: Shop) -> str:
    """What each campaign brought more than its holdout, and what may be concluded."""
    titles = {segment["segment"]: segment["title"] for segment in shop.segments}
    rows = shop.rows("from marts.campaign_lift order by starts_on desc, ends_on desc, marketing_campaign_id")
    for row in rows:
        row["nearest"] = (
            next(iter(get_close_matches(row["segment"], titles, 1)), None) if row["segment"] not in titles else None
        )
    # One scale for all, so that the bars can be compared; it has 0 inside.
    limits = [
        row[column]
        for row in rows
        if row["conversion_lift"] is not None
        for column in ("conversion_lift_from", "conversion_lift_to")
    ]
    return render(
        "campaigns", shop, parts=[rows[:6], rows[6:]], titles=titles, low=min([0, *limits]), high=max([0, *limits])
    )
