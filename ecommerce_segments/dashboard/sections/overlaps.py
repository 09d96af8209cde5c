"""Overlaps: which segments share their customers."""

import plotly.graph_objects as go

from ecommerce_segments.dashboard.charts import Chart, titles_by_group
from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.rendering import render
from ecommerce_segments.dashboard.wording import label, number, percent


def overlaps(shop: Shop) -> str:
    """Which segments share their customers: for a chosen segment, and all pairs as a table."""
    pairs = {}
    for row in shop.rows("select * from marts.segment_overlaps"):
        pairs[row["segment"], row["other_segment"]] = pairs[row["other_segment"], row["segment"]] = row
    filled = [segment for segment in shop.segments if segment["customers"]]
    figure, shown = go.Figure(), []
    for segment in filled:
        others = sorted(
            (
                other
                for other in filled
                if pairs.get((segment["segment"], other["segment"]), {}).get("customers_in_both")
            ),
            key=lambda other: (-pairs[segment["segment"], other["segment"]]["share_of_smaller"], other["position"]),
        )[:12]
        if not others:
            continue
        both = [pairs[segment["segment"], other["segment"]] for other in others]
        shown.append(segment)
        figure.add_bar(
            orientation="h",
            meta={"height": 24 + 38 * len(others)},
            name=label(segment["title"]),
            x=[float(row["share_of_smaller"]) for row in both],
            y=[label(other["title"], 20) for other in others],
            cliponaxis=False,
            constraintext="none",
            textposition="outside",
            text=[
                f"{percent(row['share_of_smaller'])} \N{MIDDLE DOT} {number(row['customers_in_both'])}" for row in both
            ],
            marker={"color": "#2a78b8"},
            hovertemplate="%{y}: %{text} in both<extra></extra>",
        )
    if not shown:
        return render("overlaps", shop, chart=None, filled=[], pairs={})
    figure.update_layout(
        showlegend=False,
        bargap=0.3,
        margin={"l": 150, "r": 10, "t": 6, "b": 6},
        xaxis={"visible": False, "range": [0, 1.25], "fixedrange": True},
        yaxis={"autorange": "reversed", "ticksuffix": " ", "showgrid": False},
    )
    chart = Chart(
        "overlaps",
        figure,
        "Bars: the twelve segments that the chosen one overlaps most, by the share of the smaller of the two.",
        choices=titles_by_group(shown),
        narrow={"margin": {"l": 124, "r": 2, "t": 6, "b": 6}, "xaxis": {"range": [0, 2.4]}},
    )
    return render("overlaps", shop, chart=chart, filled=filled, pairs=pairs)
