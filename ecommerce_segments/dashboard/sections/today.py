"""Segments today: all of them in their groups."""

import itertools

from ecommerce_segments.dashboard.charts import sparkline
from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.rendering import render


def today(shop: Shop) -> str:
    """All segments in their groups: size, share, change, value and trend."""
    groups = {
        title: list(rows) for title, rows in itertools.groupby(shop.segments, lambda segment: segment["group_title"])
    }
    trends = {
        segment["segment"]: sparkline(shop.dates, shop.sizes.get(segment["segment"], {})) for segment in shop.segments
    }
    return render(
        "today",
        shop,
        groups=groups,
        trends=trends,
        largest=max((segment["customers"] for segment in shop.segments), default=0),
    )
