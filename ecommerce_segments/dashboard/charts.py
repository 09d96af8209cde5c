"""The charts of the page: figures of plotly with what stands around them, and small lines of a segment's size."""

import itertools
import json
from dataclasses import dataclass, field
from datetime import date

import plotly.graph_objects as go
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from ecommerce_segments.dashboard.figures import edition
from ecommerce_segments.dashboard.wording import number


@dataclass
class Chart:
    """A plotly figure with what a reader needs who does not see it, or sees it on a phone or on paper.

    choices: group -> the titles of its traces, in the figure's order; the reader takes one of them all, or several.
    Without choices all traces are shown. chosen: the numbers of the traces that are shown at first. narrow: what the
    layout has instead on a phone.
    """

    name: str
    figure: go.Figure
    description: str
    choices: dict[str, list[str]] = field(default_factory=dict)
    chosen: tuple[int, ...] = (0,)
    several: bool = False
    narrow: dict = field(default_factory=dict)

    @property
    def script(self) -> Markup:
        """The figure as JSON that cannot leave its script element."""
        figure = json.loads(self.figure.to_json())
        figure["layout"].pop("template", None)
        return htmlsafe_json_dumps(figure | {"narrow": self.narrow}, separators=(",", ":"))


def titles_by_group(segments: list[dict]) -> dict[str, list[str]]:
    """The titles of segments that come group by group, by the group's title."""
    return {title: [segment["title"] for segment in rows]
            for title, rows in itertools.groupby(segments, lambda segment: segment["group_title"])}


def along_dates(dates: list[date], date_format: str, ticks: int, value_format: str) -> dict:
    """What the layout of a figure has whose lines run over dates: a legend above, so many dates below, values from 0
    up."""
    return {
        "hovermode": "closest",
        "showlegend": True,
        "xaxis": {
            "type": "date",
            "tickformat": date_format,
            "hoverformat": date_format,
            "tickvals": spread(dates, ticks),
            "tickangle": 0,
        },
        "yaxis": {"rangemode": "tozero", "tickformat": value_format},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    }


def spread(dates: list[date], count: int) -> list[str]:
    """Dates for an axis: the last, and before it those that leave each other a share of the axis."""
    found = [dates[-1]]
    for day in reversed(dates):
        if found[-1] - day >= (dates[-1] - dates[0]) / count:
            found.append(day)
    return [str(day) for day in reversed(found)]


@dataclass(frozen=True)
class Sparkline:
    """A small line of a segment's size. lines: its unbroken parts, as the points of SVG's polyline; last: its end;
    told: first and last size, in words."""

    lines: list[str]
    last: tuple[str, str]
    told: str
    width: int
    height: int


def sparkline(dates: list[date], sizes: dict[date, dict], width: int = 96, height: int = 24) -> Sparkline | None:
    """The line of a segment's size on the dates, true to their distances and from 0 up, in pixels; none where there are
    not two dates, or no size.

    It breaks where the segment was not registered, and where it began to be about another sale.
    """
    known = [day for day in dates if day in sizes]
    if len(dates) < 2 or not known:
        return None
    days, top = (dates[-1] - dates[0]).days, max(1, *(sizes[day]["customers"] for day in known))

    def point(day: date) -> tuple[str, str]:
        x, y = (day - dates[0]).days / days, sizes[day]["customers"] / top
        return f"{2 + x * (width - 4):.1f}", f"{height - 2 - y * (height - 4):.1f}"

    runs = itertools.groupby(dates, lambda day: (day in sizes, edition(sizes.get(day))))
    lines = [" ".join(",".join(point(day)) for day in run) for (is_known, _), run in runs if is_known]
    # From the first date that the last one can be compared with.
    first = next(day for day in known if edition(sizes[day]) == edition(sizes[known[-1]]))
    told = ", ".join(f"{number(sizes[day]['customers'])} on {day}" for day in dict.fromkeys([first, known[-1]]))
    return Sparkline(lines, point(known[-1]), told, width, height)
