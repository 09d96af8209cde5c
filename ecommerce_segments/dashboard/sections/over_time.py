"""Segments over time: their sizes on the dates that were built."""

import itertools

from ecommerce_segments.dashboard.charts import Chart, titles_by_group
from ecommerce_segments.dashboard.figures import Shop, edition
from ecommerce_segments.dashboard.rendering import render


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
    traces = []
    for segment in shown:
        sizes = shop.sizes[segment["segment"]]
        # A second, empty point of the date breaks the line.
        marks = [
            mark
            for day in shop.dates
            for mark in [(day, None)] * (day in new_sales[segment["segment"]]) + [(day, sizes.get(day))]
        ]
        points = [(str(day), size["customers"] if size else None) for day, size in marks]
        traces.append({"name": segment["title"], "points": points})
    by_change = sorted(range(len(shown)), key=lambda place: -abs(shown[place]["change"] or 0))
    chart = Chart(
        "sizes",
        "lines",
        traces,
        "Lines: the size of each chosen segment on the dates that were built.",
        axis={"dates": [str(day) for day in shop.dates], "unit": "count", "told": "day"},
        several=True,
        choices=titles_by_group(shown),
        chosen=tuple(by_change[:4]),
    )
    last = shop.dates[-12:]
    table = [(segment, [(day, shop.sizes[segment["segment"]].get(day)) for day in last]) for segment in shown]
    return render("over_time", shop, chart=chart, table=table, dates=last, new_sales=new_sales)
