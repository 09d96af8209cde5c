"""Overlaps: which segments share their customers."""

from ecommerce_segments.dashboard.charts import Chart, titles_by_group
from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.rendering import render
from ecommerce_segments.dashboard.wording import number, percent


def overlaps(shop: Shop) -> str:
    """Which segments share their customers: for a chosen segment, and all pairs as a table."""
    shown = [segment for segment in shop.segments if shop.overlaps.get(segment["segment"])]
    traces = [
        {
            "bars": [
                (
                    other["title"],
                    float(row["share_of_smaller"]),
                    f"{percent(row['share_of_smaller'])} \N{MIDDLE DOT} {number(row['customers_in_both'])}",
                )
                for other, row in shop.overlaps[segment["segment"]][:12]
            ]
        }
        for segment in shown
    ]
    if not shown:
        return render("overlaps", shop, chart=None, filled=[], shares={})
    chart = Chart(
        "overlaps",
        "bars",
        traces,
        "Bars: the twelve segments that the chosen one overlaps most, by the share of the smaller of the two.",
        choices=titles_by_group(shown),
    )
    return render(
        "overlaps",
        shop,
        chart=chart,
        filled=[segment for segment in shop.segments if segment["customers"]],
        shares={
            (segment, other["segment"]): row["share_of_smaller"]
            for segment, others in shop.overlaps.items()
            for other, row in others
        },
    )
