"""The charts of the page, which charts.js draws, with what stands around them; and small lines of a segment's size."""

import itertools
from dataclasses import dataclass, field
from datetime import date

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from ecommerce_segments.dashboard.figures import edition
from ecommerce_segments.dashboard.wording import number


@dataclass
class Chart:
    """What a chart shows, with what a reader needs who does not see it.

    kind: the function of charts.js that draws it; traces and axis: what that function takes, which says what it is.
    choices: group -> the titles of the traces, in their order; the reader takes one of them all, or several. Without
    choices all traces are shown. chosen: the numbers of the traces that are shown at first.
    """

    name: str
    kind: str
    traces: list[dict]
    description: str
    axis: dict = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    chosen: tuple[int, ...] = (0,)
    several: bool = False

    @property
    def script(self) -> Markup:
        """What is drawn, as JSON that cannot leave its script element."""
        return htmlsafe_json_dumps({"kind": self.kind, "traces": self.traces, "axis": self.axis}, separators=(",", ":"))


def titles_by_group(segments: list[dict]) -> dict[str, list[str]]:
    """The titles of segments that come group by group, by the group's title."""
    return {title: [segment["title"] for segment in rows]
            for title, rows in itertools.groupby(segments, lambda segment: segment["group_title"])}


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
