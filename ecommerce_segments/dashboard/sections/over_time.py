"""Segments over time: their sizes on the dates that were built."""

import itertools

import plotly.graph_objects as go

from ecommerce_segments.dashboard.charts import Chart, along_dates, spread, titles_by_group
from ecommerce_segments.dashboard.figures import Shop, edition
from ecommerce_segments.dashboard.rendering import render
from ecommerce_segments.dashboard.wording import label


def over_time(shop: Shop) -> str:
    """The sizes of the chosen segments on the dates that were built."""
    shown = [segment for segment in shop.segments if segment["segment"] in shop.sizes]
    if len(shop.dates) < 2 or not shown:
        return render("over_time", shop, chart=None, table=[], dates=[], new_sales={})
    # By segment, the dates on which it was about another sale than on the date before.
    new_sales = {
        segment: {
            day for former, day in itertools.pairwise(sorted(sizes)) if edition(sizes[former]) != edition(sizes[day])
        }
        for segment, sizes in shop.sizes.items()
    }
    figure = go.Figure()
    for segment in shown:
        sizes = shop.sizes[segment["segment"]]
        # A second, empty point of the date breaks the line.
        marks = [
            mark
            for day in shop.dates
            for mark in [(day, None)] * (day in new_sales[segment["segment"]]) + [(day, sizes.get(day))]
        ]
        figure.add_scatter(
            x=[str(day) for day, _ in marks],
            y=[size["customers"] if size else None for _, size in marks],
            name=label(segment["title"]),
            mode="lines+markers",
            connectgaps=False,
            hovertemplate="%{x|%Y-%m-%d}: %{y:,}<extra>%{fullData.name}</extra>",
        )
    figure.update_layout(
        along_dates(shop.dates, "%Y-%m-%d", 7, ","), height=420, margin={"l": 52, "r": 40, "t": 10, "b": 30}
    )
    by_change = sorted(range(len(shown)), key=lambda place: -abs(shown[place]["change"] or 0))
    chart = Chart(
        "sizes",
        figure,
        "Lines: the size of each chosen segment on the dates that were built.",
        several=True,
        choices=titles_by_group(shown),
        chosen=tuple(by_change[:4]),
        narrow={
            "height": 440,
            "margin": {"l": 42, "r": 30, "t": 10, "b": 26},
            "xaxis": {"tickvals": spread(shop.dates, 3)},
        },
    )
    last = shop.dates[-12:]
    table = [(segment, [(day, shop.sizes[segment["segment"]].get(day)) for day in last]) for segment in shown]
    return render("over_time", shop, chart=chart, table=table, dates=last, new_sales=new_sales)
