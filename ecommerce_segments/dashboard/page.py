"""Write the dashboard: one HTML file of the marts that needs no server and no network.

publish/versions.py calls it. Each section of the page is a function that
returns its HTML from queried rows; it stands in SECTIONS with the marts that it needs, and is left out where one of them is absent.
"""

import html
import itertools
import json
import os
import textwrap
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from difflib import get_close_matches
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import duckdb
import plotly.graph_objects as go
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from ecommerce_segments import CannotDo
from ecommerce_segments.build.membership_log import CUSTOMERS_GAINED

PARTS = Path(__file__).parent / "templates"

# The order in which readers expect them; values that are not listed follow, by name.
STAGES = ["lead", "new", "active", "at_risk", "inactive"]
RFM_GROUPS = ["champions", "loyal_customers", "potential_loyalists", "new_customers", "promising", "need_attention", "about_to_sleep",
              "at_risk", "cant_lose_them", "hibernating", "lost", "unscored"]


class DashboardError(CannotDo):
    """Why no page can be written, in a sentence."""


# ---------------------------------------------------------------- words and numbers


def number(value: int | Decimal) -> str:
    return f"{value:,.0f}".replace("-", "\N{MINUS SIGN}")


def people(customers: int) -> str:
    return f"{number(customers)} customer{'' if customers == 1 else 's'}"


def amount(value: Decimal) -> str:
    """An amount without its currency, with cents where it is below 1,000."""
    return f"{value:,.{2 if 0 < abs(value) < 1000 else 0}f}".replace("-", "\N{MINUS SIGN}")


def change(value: int) -> str:
    """A whole number with its sign; no change is plain 0."""
    return "\N{PLUS-MINUS SIGN}0" if value == 0 else ("+" if value > 0 else "") + number(value)


def percent(share: float | Decimal) -> str:
    """A share from 0 to 1, with one decimal."""
    return f"{100 * share:,.1f}\N{NO-BREAK SPACE}%".replace("-", "\N{MINUS SIGN}")


def points(difference: Decimal) -> str:
    """A difference of two shares in percentage points, with its sign."""
    return f"{100 * difference:+.1f}".replace("-", "\N{MINUS SIGN}")


def share_of(part: int | Decimal, whole: int | Decimal) -> float:
    return float(part / whole) if whole else 0.0


def words(name: str) -> str:
    """A value of the marts as people say it: at_risk is At risk."""
    special = {"unscored": "Without a score", "cant_lose_them": "Can't lose them"}
    return special.get(name) or name.replace("_", " ").capitalize()


def label(text: str, width: int | None = None) -> str:
    """Text as plotly shows it literally, without tags, in lines of a width in characters."""
    lines = textwrap.wrap(text, width) if width else [text]
    return "<br>".join(html.escape(line, quote=False) for line in lines)


def in_order(values: set[str], order: list[str]) -> list[str]:
    return [value for value in order if value in values] + sorted(values - set(order))


# ---------------------------------------------------------------- what the sections read


class Shop:
    """The marts of a built shop.

    connection: a DuckDB connection whose schema `marts` is read. is_simulated: whether its people and orders are made up.
    Raises DashboardError where the shop's own marts are missing or of different dates.
    """

    NEEDED = ("customers", "segments", "segment_memberships", "shop_figures")
    OF_ONE_DATE = (*NEEDED, "data_quality", "segment_overlaps", "rfm_thresholds", "purchases", "segment_performance", "revenue_by_buyer_type", "acquisition_costs",
                   "cohort_retention", "repeat_purchases", "churn_monthly", "campaign_lift")

    def __init__(self, connection: duckdb.DuckDBPyConnection, is_simulated: bool = False):
        self.connection, self.is_simulated = connection, is_simulated
        self.marts = {row["table_name"] for row in self.rows(
            "select table_name from information_schema.tables where table_schema = 'marts'")}
        missing = [mart for mart in self.NEEDED if mart not in self.marts]
        if missing:
            raise DashboardError(f"The marts {', '.join(missing)} are missing: build the shop first, with `segments run`.")
        self.figures = self.rows("from marts.shop_figures")[0]
        self.as_of_date: date = self.figures["as_of_date"]
        dates = self.rows(" union ".join(f"select as_of_date from marts.{mart}" for mart in self.OF_ONE_DATE if mart in self.marts))
        if len(dates) > 1:
            raise DashboardError("The marts are of different dates, " + " and ".join(sorted(str(row["as_of_date"]) for row in dates))
                                 + ": build all of them, with `segments run`.")

    def rows(self, sql: str, **parameters: object) -> list[dict]:
        """The rows of a query as dicts by column."""
        cursor = self.connection.execute(sql, parameters or None)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]

    def money(self, value: Decimal) -> str:
        """An amount in the reporting currency; with cents where it is below 1,000."""
        return f"{self.figures['reporting_currency']}\N{NO-BREAK SPACE}{amount(value)}"

    def headline(self, amount: Decimal) -> str:
        """An amount for a narrow place: in millions from 10 million on."""
        return self.money(amount) if amount < 10_000_000 else f"{self.figures['reporting_currency']}\N{NO-BREAK SPACE}{compact(amount)}"

    @cached_property
    def net_revenue(self) -> Decimal:
        """Net revenue of all customers so far."""
        return self.rows("select coalesce(sum(net_revenue), 0) as net_revenue from marts.customers")[0]["net_revenue"]

    @cached_property
    def dates(self) -> list[date]:
        """The dates that the history knows, up to the as-of date."""
        if "segment_sizes" not in self.marts:
            return []
        return [row["as_of_date"] for row in self.rows(
            "select distinct as_of_date from marts.segment_sizes where as_of_date <= $day order by 1", day=self.as_of_date)]

    @cached_property
    def previous_date(self) -> date | None:
        """The date of the history before the as-of date; none where the history does not reach the as-of date."""
        return self.dates[-2] if len(self.dates) > 1 and self.dates[-1] == self.as_of_date else None

    @cached_property
    def sizes(self) -> dict[str, dict[date, dict]]:
        """By segment and date: customers, entered and exited (null on the first date). Dates on which it was not registered are missing."""
        sizes: dict[str, dict[date, dict]] = {}
        if self.dates:
            for row in self.rows("select * from marts.segment_sizes where as_of_date <= $day order by as_of_date", day=self.as_of_date):
                sizes.setdefault(row["segment"], {})[row["as_of_date"]] = row
        return sizes

    @cached_property
    def segments(self) -> list[dict]:
        """The segments, group by group in the order of the register, with their value, and their change since the previous date.

        change is null where it is unknown or says nothing of customers: the segment was not registered, its data are not delivered,
        or it asks for a sale and the sale is another one now (sale_before, sale_now). stake: the change in money, see `worth`.
        """
        segments = self.rows("""
            select segments.*, coalesce(segment_group, 'Our own') as group_title, coalesce(money.net_revenue, 0) as net_revenue
            from marts.segments
            left join (
                select segment, sum(net_revenue) as net_revenue from marts.segment_memberships
                inner join marts.customers using (customer_id)
                group by segment
            ) as money using (segment)
            order by min(position) over (partition by group_title), position
        """)
        for segment in segments:
            sizes = self.sizes.get(segment["segment"], {})
            before, now = sizes.get(self.previous_date), sizes.get(self.as_of_date)
            segment["now"] = now if self.previous_date else None
            segment["before"] = before["customers"] if before and now else None
            segment["sale_before"], segment["sale_now"] = edition(before), edition(now)
            segment["is_other_sale"] = segment["before"] is not None and segment["sale_before"] != segment["sale_now"]
            segment.setdefault("not_delivered", None)
            is_told = segment["before"] is not None and not segment["is_other_sale"] and not segment["not_delivered"]
            segment["change"] = segment["customers"] - segment["before"] if is_told else None
            segment["worth"] = self.worth.get(segment["segment"])
            segment["stake"] = abs(segment["change"]) * segment["worth"] if segment["change"] and segment["worth"] is not None else Decimal(0)
            segment["trend"] = sparkline(self.dates, sizes) if len(self.dates) > 1 else ""
        return segments

    @cached_property
    def worth(self) -> dict[str, Decimal]:
        """By segment: the net revenue of the last 365 days of a member, on average; of an empty one that of any customer.

        Empty where the mart that knows it is absent.
        """
        if "segment_performance" not in self.marts or not self.figures["customers"]:
            return {}
        of_any = self.figures["net_revenue_365d"] / self.figures["customers"]
        return {row["segment"]: row["net_revenue_365d"] / row["customers"] if row["customers"] else of_any
                for row in self.rows("from marts.segment_performance")}

    @cached_property
    def margins(self) -> dict[str | None, dict]:
        """By segment, and of all buyers under None: customers, gross margin so far, and net revenue so far, with a known cost and in all.

        What is not known of a margin is estimated upstream. Empty in what was published before that was so.
        """
        if not self.rows("select 1 from information_schema.columns where table_schema = 'marts' and table_name = 'customers'"
                         " and column_name = 'gross_margin_estimate'"):
            return {}
        return {row["segment"]: row for row in self.rows("""
            with members as (
                select segment, customer_id from marts.segment_memberships
                union all
                select null, customer_id from marts.customers where purchase_count > 0
            )
            select segment, count(*) as customers, sum(gross_margin_estimate) as gross_margin, sum(net_revenue) as net_revenue,
                sum(margin_known_share * net_revenue) as costed
            from members inner join marts.customers using (customer_id)
            group by segment
        """)}

    @cached_property
    def nobodys(self) -> dict | None:
        """Purchases and net revenue of the last 365 days that belong to no customer; none where there are none, or the mart is absent."""
        if "purchases" not in self.marts:
            return None
        found = self.rows("""
            select count(*) as purchases, sum(net_revenue) as net_revenue from marts.purchases
            where customer_id is null and purchased_on > cast($day as date) - 365
        """, day=self.as_of_date)[0]
        return found if found["purchases"] else None

    @cached_property
    def stage_before(self) -> dict[str, int]:
        """Customers by lifecycle stage on the previous date, as counted then, like the sizes of segments; empty where it is not known."""
        if not self.previous_date or "membership_changes" not in self.marts:
            return {}
        return {row["stage"]: row["customers"] for row in self.rows(f"""
            select state as stage, cast(sum({CUSTOMERS_GAINED}) as bigint) as customers
            from marts.membership_changes where kind = 'lifecycle_stage' and as_of_date <= $day group by state
        """, day=self.previous_date)}


def edition(size: dict | None) -> str | None:
    """The sale that a segment's size on a date is about; null also in a history that was published before it knew the sale."""
    return size.get("edition") if size else None


# ---------------------------------------------------------------- charts


@dataclass
class Chart:
    """A plotly figure with what a reader needs who does not see it, or sees it on a phone or on paper.

    choices: group -> the titles of its traces, in the figure's order; the reader takes one of them all, or several. Without
    choices all traces are shown. chosen: the numbers of the traces that are shown at first. narrow: what the layout has instead
    on a phone.
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
        content = json.dumps(figure | {"narrow": self.narrow}, separators=(",", ":"))
        return Markup(content.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def sparkline(dates: list[date], sizes: dict[date, dict], width: int = 96, height: int = 24) -> Markup:
    """A small line of a segment's size on the dates, true to their distances and from 0 up; it breaks where the segment was not registered,
    and where it began to be about another sale."""
    known = [day for day in dates if day in sizes]
    if not known:
        return Markup("")
    days, top = max((dates[-1] - dates[0]).days, 1), max(max(sizes[day]["customers"] for day in known), 1)

    def point(day: date) -> str:
        return f"{2 + (day - dates[0]).days / days * (width - 4):.1f},{height - 2 - sizes[day]['customers'] / top * (height - 4):.1f}"

    runs = [list(run) for (is_known, _), run in itertools.groupby(dates, lambda day: (day in sizes, edition(sizes.get(day)))) if is_known]
    lines = Markup("").join(Markup('<polyline points="{}"/>').format(" ".join(map(point, run))) for run in runs)
    x, y = point(known[-1]).split(",")
    # From the first date that the last one can be compared with.
    first = next(day for day in known if edition(sizes[day]) == edition(sizes[known[-1]]))
    told = ", ".join(f"{number(sizes[day]['customers'])} on {day}" for day in dict.fromkeys([first, known[-1]]))
    return Markup('<svg class="spark" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">{}<circle cx="{}" cy="{}" r="2"/></svg>'
                  ).format(width, height, width, height, told, lines, x, y)


# ---------------------------------------------------------------- the sections


def glance(shop: Shop) -> str:
    """Headline figures, what changed since the previous date, most money first (else where the money is), and the buyers by lifecycle stage."""
    figures = shop.figures
    stages = {row["lifecycle_stage"]: row for row in shop.rows("""
        select lifecycle_stage, count(*) as customers, sum(net_revenue) as net_revenue from marts.customers group by lifecycle_stage
    """)}
    contactable = shop.rows("select count(*) as customers from marts.customers where is_contactable_by_email")[0]["customers"]

    def size(*names: str) -> int:
        return sum(stages[name]["customers"] for name in names if name in stages)

    def since(*names: str) -> Markup | None:
        if not shop.stage_before:
            return None
        moved = size(*names) - sum(shop.stage_before.get(name, 0) for name in names)
        return Markup('{} <span class="date">since {}</span>').format(change(moved), shop.previous_date)

    buying = [stage for stage in STAGES if stage != "lead"]
    at_risk = stages.get("at_risk", {"customers": 0, "net_revenue": 0})
    tiles = [
        ("Net revenue", shop.headline(figures["net_revenue_365d"]),
         ["whole shop, last 365 days", f"with {shop.money(shop.nobodys['net_revenue'])} of nobody known" if shop.nobodys else None, growth(shop)]),
        ("Average order value", shop.money(figures["net_revenue_365d"] / figures["purchases_365d"]) if figures["purchases_365d"] else "none",
         ["whole shop, last 365 days", f"{number(figures['purchases_365d'])} purchases"]),
        ("Customers", number(figures["customers"]), ["buyers and leads", since(*STAGES)]),
        ("Buyers", number(figures["buyers"]),
         [f"{percent(share_of(figures['buyers'], figures['customers']))} of customers", since(*buying)]),
        ("Buyers at risk", number(at_risk["customers"]),
         [f"{shop.money(at_risk['net_revenue'])} so far", since("at_risk")]),
        ("Reachable by email", number(contactable), [f"{percent(share_of(contactable, figures['customers']))} of customers"]),
    ]
    changed = [segment for segment in shop.segments if segment["change"]]
    movers = sorted(changed, key=lambda segment: (-segment["stake"], -abs(segment["change"])))[:6]
    richest = sorted((segment for segment in shop.segments if segment["net_revenue"]), key=lambda segment: -segment["net_revenue"])[:6]
    buyers = [stages[name] | {"share": share_of(size(name), figures["buyers"]),
                              "share_of_money": share_of(stages[name]["net_revenue"], shop.net_revenue)}
              for name in buying if name in stages]
    lost = [row for row in buyers if row["lifecycle_stage"] in ("at_risk", "inactive")]
    return render("glance", shop, tiles=tiles, movers=movers, richest=richest, buyers=buyers,
                  of_other_sale=[segment for segment in shop.segments if segment["is_other_sale"]],
                  largest=max((max(row["share"], row["share_of_money"]) for row in buyers), default=0),
                  lost=sum(row["share"] for row in lost), lost_money=sum(row["share_of_money"] for row in lost))


def growth(shop: Shop) -> str | None:
    """Net revenue of the last 365 days against the 365 days before, where the shop sold all that time."""
    figures = shop.figures
    if not figures["first_purchased_on"]:
        return None
    if figures["first_purchased_on"] > shop.as_of_date - timedelta(days=729) or not figures["net_revenue_previous_365d"]:
        return "no full year before to compare with"
    ratio = share_of(figures["net_revenue_365d"] - figures["net_revenue_previous_365d"], figures["net_revenue_previous_365d"])
    return ("+" if ratio > 0 else "") + percent(ratio) + " on the 365 days before"


def today(shop: Shop) -> str:
    """All segments in their groups: size, share, change, value and trend."""
    groups = {title: list(rows) for title, rows in itertools.groupby(shop.segments, lambda segment: segment["group_title"])}
    return render("today", shop, groups=groups, largest=max((segment["customers"] for segment in shop.segments), default=0))


def over_time(shop: Shop) -> str:
    """The sizes of the chosen segments on the dates that were built."""
    shown = [segment for segment in shop.segments if segment["segment"] in shop.sizes]
    if len(shop.dates) < 2 or not shown:
        return render("over_time", shop, chart=None, table=[], dates=[], new_sales={})
    # By segment, the dates on which it was about another sale than on the date before.
    new_sales = {segment: {day for former, day in itertools.pairwise(sorted(sizes)) if edition(sizes[former]) != edition(sizes[day])}
                 for segment, sizes in shop.sizes.items()}
    figure = go.Figure()
    for segment in shown:
        sizes = shop.sizes[segment["segment"]]
        # A second, empty point of the date breaks the line.
        marks = [mark for day in shop.dates for mark in [(day, None)] * (day in new_sales[segment["segment"]]) + [(day, sizes.get(day))]]
        figure.add_scatter(x=[str(day) for day, _ in marks], y=[size["customers"] if size else None for _, size in marks],
                           name=label(segment["title"]), mode="lines+markers", connectgaps=False,
                           hovertemplate="%{x|%Y-%m-%d}: %{y:,}<extra>%{fullData.name}</extra>")
    figure.update_layout(
        height=420, margin={"l": 52, "r": 40, "t": 10, "b": 30}, hovermode="closest", showlegend=True,
        xaxis={"type": "date", "tickformat": "%Y-%m-%d", "hoverformat": "%Y-%m-%d", "tickvals": spread(shop.dates, 7), "tickangle": 0},
        yaxis={"rangemode": "tozero", "tickformat": ","}, legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    by_change = sorted(range(len(shown)), key=lambda place: -abs(shown[place]["change"] or 0))
    chart = Chart(
        "sizes", figure, "Lines: the size of each chosen segment on the dates that were built.", several=True,
        choices=titles_by_group(shown), chosen=tuple(by_change[:4]),
        narrow={"height": 440, "margin": {"l": 42, "r": 30, "t": 10, "b": 26}, "xaxis": {"tickvals": spread(shop.dates, 3)}})
    last = shop.dates[-12:]
    table = [(segment, [(day, shop.sizes[segment["segment"]].get(day)) for day in last]) for segment in shown]
    return render("over_time", shop, chart=chart, table=table, dates=last, new_sales=new_sales)


def spread(dates: list[date], count: int) -> list[str]:
    """Dates for an axis: the last, and before it those that leave each other a share of the axis."""
    found = [dates[-1]]
    for day in reversed(dates):
        if found[-1] - day >= (dates[-1] - dates[0]) / count:
            found.append(day)
    return [str(day) for day in reversed(found)]


def rfm(shop: Shop) -> str:
    """Buyers by recency score and frequency score, in customers and in money. The colour says how good a cell is, its bar how much is in it."""
    cells = {(row["recency_score"], row["frequency_score"]): row for row in shop.rows("""
        select recency_score, frequency_score, count(*) as customers, sum(net_revenue) as net_revenue
        from marts.customers where recency_score is not null group by recency_score, frequency_score
    """)}
    if not cells:
        return render("rfm", shop, maps=[])
    maps = []
    for column, title, told in (("customers", "Customers", number), ("net_revenue", "Net revenue so far", compact)):
        values = {scores: cell[column] for scores, cell in cells.items()}
        maps.append({"name": column, "title": title, "told": told, "values": values, "all": sum(values.values()), "largest": max(values.values()),
                     "best": sum(value for scores, value in values.items() if min(scores) >= 4)})
    found = {"recency": sorted({recency for recency, _ in cells}), "frequency": sorted({frequency for _, frequency in cells})}
    missing = [f"{trait} score {score}" for trait, scores in found.items() for score in range(1, 6) if score not in scores]
    return render("rfm", shop, maps=maps, missing=missing, ranges=score_ranges(shop), unscored=shop.figures["buyers"] - maps[0]["all"],
                  recency_scores=found["recency"][::-1], frequency_scores=found["frequency"])


def compact(amount: Decimal) -> str:
    """An amount in at most three digits or so, for a small cell: 950, 12.3 k, 1.23 M."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if amount >= size:
            figure = amount / size
            return f"{figure:,.{2 if figure < 10 else 1 if figure < 100 else 0}f}\N{NO-BREAK SPACE}{unit}"
    return number(amount)


def score_ranges(shop: Shop) -> dict[tuple[str, int], tuple[str, str]]:
    """By trait and score, the values that have the score today, and their unit."""
    if "rfm_thresholds" not in shop.marts:
        return {}
    ranges, units = {}, {"recency_days": "days", "frequency": "purchases"}
    for row in shop.rows("from marts.rfm_thresholds where trait in ('recency_days', 'frequency')"):
        first, last = row["from_value"], row["to_value"]
        if row["customers"]:
            ranges[row["trait"], row["score"]] = (
                number(first) if first == last else f"{number(first)} to {number(last)}", units[row["trait"]][:-1 if last == 1 else None])
    return ranges


def flows(shop: Shop) -> str:
    """Who went from which lifecycle stage or RFM group to which, since the previous date."""
    rows = shop.rows("select * from marts.segment_transitions where as_of_date = $day", day=shop.as_of_date)
    if not shop.previous_date or not rows:
        return render("flows", shop, chart=None, traits=[])
    figure, traits = go.Figure(), []
    for trait, title, order in (("lifecycle_stage", "Lifecycle stages", STAGES), ("rfm_group", "RFM groups", RFM_GROUPS)):
        moves = {(row["from_value"], row["to_value"]): row["customers"] for row in rows if row["trait"] == trait}
        before, after = in_order({was for was, _ in moves}, ["none", *order]), in_order({is_now for _, is_now in moves} - {"none"}, order)
        after += ["none"] * any(is_now == "none" for _, is_now in moves)
        traits.append({
            "title": title, "moves": moves, "before": before, "after": after,
            "all": sum(customers for (_, is_now), customers in moves.items() if is_now != "none"),
            "gone": sum(customers for (_, is_now), customers in moves.items() if is_now == "none"),
            "stayed": sum(customers for (was, is_now), customers in moves.items() if was == is_now),
            "largest": sorted(((was, is_now, customers) for (was, is_now), customers in moves.items()
                               if was != is_now and "none" not in (was, is_now)), key=lambda move: (-move[2], move))[:4]})
        drawn = {move: customers for move, customers in moves.items() if move[0] != move[1] and move[1] != "none"}
        figure.add_trace(sankey(drawn, in_order({value for move in drawn for value in move}, ["none", *order]), title))
    figure.update_layout(height=FLOW_HEIGHT, margin={"l": 4, "r": 4, "t": 8, "b": 8})
    chart = Chart("flows", figure, f"Flow diagram: customers who changed since {shop.previous_date}, from the former to the present value.",
                  choices={"Moves between": [trait["title"] for trait in traits]})
    return render("flows", shop, chart=chart, traits=traits)


def sankey(moves: dict[tuple[str, str], int], order: list[str], title: str) -> go.Sankey:
    """Former values on the left, present ones on the right, both in order; the width of a band is its customers."""
    totals: tuple[dict, dict] = ({}, {})
    for move, customers in moves.items():
        for side in (0, 1):
            totals[side][move[side]] = totals[side].get(move[side], 0) + customers
    nodes = [(side, value) for side in (0, 1) for value in in_order(set(totals[side]), order)]
    colors = {value: FLOW_COLORS[place % len(FLOW_COLORS)] for place, value in enumerate(order)}
    return go.Sankey(
        name=title, arrangement="fixed", valueformat=",",
        node={"label": [f"{label(words(value) if value != 'none' else 'New to the shop')} {number(totals[side][value])}" for side, value in nodes],
              "x": [(0.001, 0.999)[side] for side, _ in nodes], "y": [middle for side in (0, 1) for middle in middles(totals[side], order)],
              "color": [colors[value] for _, value in nodes], "pad": FLOW_GAP, "thickness": 14, "line": {"width": 0},
              "hovertemplate": "%{label}<extra></extra>"},
        link={"source": [nodes.index((0, was)) for was, _ in moves], "target": [nodes.index((1, is_now)) for _, is_now in moves],
              "value": list(moves.values()),
              "color": [translucent(colors[was], 0.45 if customers > 0.01 * sum(moves.values()) else 0.15) for (was, _), customers in moves.items()],
              "hovertemplate": "%{source.label} \N{RIGHTWARDS ARROW} %{target.label}<br><b>%{value}</b><extra></extra>"})


def middles(totals: dict[str, int], order: list[str]) -> list[float]:
    """How far down (0 to 1) the middle of each node lies, from their sizes and the gaps between them."""
    gap = FLOW_GAP / FLOW_HEIGHT
    unit = (1 - gap * (len(totals) - 1)) / sum(totals.values())
    found, top = [], 0.0
    for value in in_order(set(totals), order):
        found.append(max(0.001, top + totals[value] * unit / 2))
        top += totals[value] * unit + gap
    return found


FLOW_HEIGHT, FLOW_GAP = 520, 14
# Okabe and Ito's colours, darkened or lightened until each has 3:1 on white and on the dark ground.
FLOW_COLORS = ["#7a7f87", "#2f8fc4", "#0f9d6e", "#c98500", "#d1561f", "#b3679b", "#5a76d6"]


def translucent(color: str, opacity: float) -> str:
    return f"rgba({int(color[1:3], 16)},{int(color[3:5], 16)},{int(color[5:7], 16)},{opacity})"


def overlaps(shop: Shop) -> str:
    """Which segments share their customers: for a chosen segment, and all pairs as a table."""
    pairs = {}
    for row in shop.rows("select * from marts.segment_overlaps"):
        pairs[row["segment"], row["other_segment"]] = pairs[row["other_segment"], row["segment"]] = row
    filled = [segment for segment in shop.segments if segment["customers"]]
    figure, shown = go.Figure(), []
    for segment in filled:
        others = sorted((other for other in filled if pairs.get((segment["segment"], other["segment"]), {}).get("customers_in_both")),
                        key=lambda other: (-pairs[segment["segment"], other["segment"]]["share_of_smaller"], other["position"]))[:12]
        if not others:
            continue
        both = [pairs[segment["segment"], other["segment"]] for other in others]
        shown.append(segment)
        figure.add_bar(
            orientation="h", meta={"height": 24 + 38 * len(others)}, name=label(segment["title"]), x=[float(row["share_of_smaller"]) for row in both],
            y=[label(other["title"], 20) for other in others], cliponaxis=False, constraintext="none", textposition="outside",
            text=[f"{percent(row['share_of_smaller'])} \N{MIDDLE DOT} {number(row['customers_in_both'])}" for row in both],
            marker={"color": "#2a78b8"}, hovertemplate="%{y}: %{text} in both<extra></extra>")
    if not shown:
        return render("overlaps", shop, chart=None, filled=[], pairs={})
    figure.update_layout(
        showlegend=False, bargap=0.3, margin={"l": 150, "r": 10, "t": 6, "b": 6},
        xaxis={"visible": False, "range": [0, 1.25], "fixedrange": True}, yaxis={"autorange": "reversed", "ticksuffix": " ", "showgrid": False})
    chart = Chart("overlaps", figure, "Bars: the twelve segments that the chosen one overlaps most, by the share of the smaller of the two.",
                  choices=titles_by_group(shown),
                  narrow={"margin": {"l": 124, "r": 2, "t": 6, "b": 6}, "xaxis": {"range": [0, 2.4]}})
    return render("overlaps", shop, chart=chart, filled=filled, pairs=pairs)


def titles_by_group(segments: list[dict]) -> dict[str, list[str]]:
    return {title: [segment["title"] for segment in rows]
            for title, rows in itertools.groupby(segments, lambda segment: segment["group_title"])}


def each_segment(shop: Shop) -> str:
    """Each segment with its definition, advice, size, value, comings and goings, and a few of its customers."""
    examples = ids_by_segment(shop, """
        select segment, customer_id, row_number() over (partition by segment order by is_guest, net_revenue desc, customer_id) as place
        from marts.segment_memberships inner join marts.customers using (customer_id)
    """)
    entered = exited = {}
    if shop.previous_date and "segment_history" in shop.marts:
        entered, exited = (ids_by_segment(shop, f"""
            select segment, customer_id, row_number() over (partition by segment order by customer_id like 'guest:%', customer_id) as place
            from marts.segment_history where {column} = cast('{shop.as_of_date}' as date)
        """) for column in ("entered_on", "exited_on"))
    return render("each_segment", shop, examples=examples, entered=entered, exited=exited)


def ids_by_segment(shop: Shop, query: str) -> dict[str, list[str]]:
    """Up to 5 ids of each segment, by the column `place`. Ids that look like an email are left out: a page is passed on."""
    ids = {}
    for row in shop.rows(f"select segment, customer_id from ({query}) where place <= 20 and customer_id not like '%@%' order by segment, place"):
        ids.setdefault(row["segment"], []).append(row["customer_id"])
    return {segment: found[:5] for segment, found in ids.items()}


# ---------------------------------------------------------------- the money


def calendar_month(day: date) -> str:
    return f"{day:%Y-%m}"


def months_before(month: date, count: int) -> date:
    """The first day of the month so many before that of a first day."""
    year, place = divmod(12 * month.year + month.month - 1 - count, 12)
    return date(year, place + 1, 1)


def last_months(rows: list[dict], count: int = 12) -> list[dict]:
    """The rows of the calendar months that end with the latest one among them."""
    latest = max((row["month"] for row in rows), default=None)
    return [row for row in rows if row["month"] > months_before(latest, count)]


def span(rows: list[dict]) -> str:
    """The months of the rows, from the first to the last."""
    months = sorted({calendar_month(row["month"]) for row in rows})
    return months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}"


def total(rows: list[dict], column: str) -> Decimal | int | None:
    """The sum over the rows; null where one is null."""
    values = [row[column] for row in rows]
    return None if None in values else sum(values)


def ratio(part: Decimal | int | None, whole: Decimal | int | None) -> Decimal | None:
    return Decimal(part) / Decimal(whole) if part is not None and whole else None


def value(shop: Shop) -> str:
    """Net revenue of the last 365 days, by who is in which segment today, and gross margin so far."""
    year = """
        select count(*) as purchases, sum(net_revenue) as net_revenue_365d, avg(net_revenue) as average_order_value_365d from marts.purchases
        where purchased_on > cast($day as date) - 365
    """
    everybody = shop.rows(f"{year} and customer_id is not null", day=shop.as_of_date)[0]
    whole = shop.rows(year, day=shop.as_of_date)[0]
    performance = {row["segment"]: row for row in shop.rows("from marts.segment_performance")}
    segments = [segment | performance[segment["segment"]] for segment in shop.segments if segment["segment"] in performance]
    earning = sorted((segment for segment in segments if segment["purchases_365d"]), key=lambda segment: -segment["net_revenue_365d"])
    idle = [segment for segment in segments if not segment["purchases_365d"] and not segment["not_delivered"]]
    return render("value", shop, everybody=everybody, whole=whole, parts=[earning[:6], earning[6:]], idle=idle)


def returning(shop: Shop) -> str:
    """Net revenue by month, of new and of returning buyers."""
    rows = shop.rows("from marts.revenue_by_buyer_type order by month desc")
    months = {}
    for row in last_months(rows, 13):
        months.setdefault(row["month"], {})[row["buyer_type"]] = row
    whole = [row for row in rows if row["is_complete"]]
    whole = last_months(whole) if whole else []
    return render("returning", shop, months=months, whole=whole, span=span(whole) if whole else None,
                  share=ratio(sum(row["net_revenue"] for row in whole if row["buyer_type"] == "returning"), sum(row["net_revenue"] for row in whole)),
                  largest=max((sum(row["net_revenue"] for row in types.values()) for types in months.values()), default=0),
                  hero_multiple=rows[0]["hero_multiple"] if rows else None)


def acquisition(shop: Shop) -> str:
    """What a new buyer costs by channel, and what those of a year ago have brought in their first 12 months."""
    rows = shop.rows("from marts.acquisition_costs order by month desc")
    if not any(row["spend"] and row["is_complete"] for row in rows):
        return render("acquisition", shop, channels=[], rows=rows)
    recent, old = ([row for row in rows if row[flag]] for flag in ("is_complete", "is_12_months_old"))
    recent, old = last_months(recent), last_months(old)

    # Rows of the totals stand among those of the channels. What was published before they were there has none.
    names = {row["channel"] for row in rows}
    totals = [name for name in ("paid", "all") if name in names] if "all" in names else []

    def figures(name: str | None) -> dict:
        now, then = ([row for row in part if name is None or row["channel"] == name] for part in (recent, old))
        bought = [row for row in then if row["new_buyers"]]
        is_known = all(row["gross_margin_12m_per_new_buyer"] is not None for row in bought)
        margin = sum(row["gross_margin_12m_per_new_buyer"] * row["new_buyers"] for row in bought) if is_known else None
        buyers, spend = total(bought, "new_buyers"), total(then, "spend")
        paid = [row["payback_months"] for row in bought if row["spend"]]
        return {
            "channel": name, "spend": total(now, "spend"), "new_buyers": total(now, "new_buyers"),
            "cost": ratio(total(now, "spend"), total(now, "new_buyers")), "old_buyers": buyers,
            "margin": ratio(margin, buyers), "times": ratio(margin, spend), "cost_then": ratio(spend, buyers),
            "paid": sorted(months for months in paid if months is not None), "unpaid": paid.count(None)}

    channels = sorted({row["channel"] for row in [*recent, *old]} - {*totals})
    channels = sorted(map(figures, channels), key=lambda row: (-row["spend"], -row["new_buyers"], row["channel"]))
    shown = [row["channel"] for row in channels[:MOST_CHANNELS] if row["spend"] or any(old["channel"] == row["channel"] and old["spend"] for old in rows)]
    cells = {(row["month"], row["channel"]): row for row in last_months(rows, 24)}
    return render("acquisition", shop, channels=channels[:MOST_CHANNELS], rest=len(channels[MOST_CHANNELS:]), totals=[*map(figures, totals or [None])],
                  recent=span(recent), old=span(old) if old else None, paid_channels=[*shown, *totals] if shown else [], cells=cells,
                  months=sorted({month for month, _ in cells}, reverse=True), rows=rows)


MOST_CHANNELS = 10


def retention(shop: Shop) -> str:
    """Who bought again in which month after the first, and how many make the next purchase within a year."""
    cohorts: dict[date, dict[int, dict]] = {}
    for row in shop.rows("from marts.cohort_retention where months_since <= 12 order by cohort_month desc, months_since"):
        cohorts.setdefault(row["cohort_month"], {})[row["months_since"]] = row
    whole = [row for ages in cohorts.values() for row in ages.values() if row["months_since"] and row["retention_rate"] is not None]
    pooled = {}
    for age in range(1, 13):
        of_age = [row for row in whole if row["months_since"] == age]
        pooled[age] = ratio(sum(row["customers_with_purchase"] for row in of_age), sum(row["customers"] for row in of_age))
    aged = [(month, ages) for month, ages in cohorts.items() if len(ages) > 1]
    rungs = shop.rows("from marts.repeat_purchases order by purchase_number")
    return render("retention", shop, parts=[aged[:13], aged[13:37]], rest=len(aged[37:]), pooled=pooled, ages=range(1, 13), largest=max((row["retention_rate"] for row in whole), default=0),
                  rungs=[rungs[:5], rungs[5:12]], is_judged=any(rung["judged_customers"] for rung in rungs))


BANDS = {"first_time": "One purchase", "short": "Several, up to 90 days", "mid": "Several, up to a year", "long": "Several, over a year"}


def churn(shop: Shop) -> str:
    """The share of live buyers that each month loses, by how long they had been buyers at its opening."""
    rows = shop.rows("from marts.churn_monthly where tenure_band <> 'new' order by month")
    first = min((row["month"] for row in rows if row["churned_customers"]), default=None)
    whole = [row for row in rows if first and row["month"] >= first and row["is_complete"]]
    if not whole:
        return render("churn", shop, chart=None, rows=rows)
    whole = last_months(whole, 24)
    year, months = last_months(whole), sorted({row["month"] for row in whole})
    bands = {"all": "All", **{band: title for band, title in BANDS.items() if any(row["tenure_band"] == band for row in whole)}}

    def of(band: str, part: list[dict]) -> dict:
        part = [row for row in part if band in ("all", row["tenure_band"])]
        sums = {column: sum(row[column] for row in part) for column in (
            "opening_customers", "churned_customers", "opening_revenue", "churned_revenue", "contraction_revenue")}
        return sums | {"rate": ratio(sums["churned_customers"], sums["opening_customers"]),
                       "revenue_rate": ratio(sums["churned_revenue"], sums["opening_revenue"]),
                       "loss_rate": ratio(sums["churned_revenue"] + sums["contraction_revenue"], sums["opening_revenue"])}

    by_month = {(band, month): of(band, [row for row in whole if row["month"] == month]) for band in bands for month in months}
    drawn = {band for band in bands if any(by_month[band, month]["churned_customers"] for month in months)}
    figure = go.Figure()
    for band, title in bands.items():
        # Who first bought a few weeks ago cannot have lapsed: a line at 0 would praise them for it.
        if band in drawn:
            rates = [by_month[band, month]["rate"] for month in months]
            figure.add_scatter(x=[str(month) for month in months], y=[None if rate is None else float(rate) for rate in rates], name=title, mode="lines+markers",
                               connectgaps=False, hovertemplate="%{x|%Y-%m}: %{y:.1%}<extra>%{fullData.name}</extra>")
    figure.update_layout(
        height=320, margin={"l": 48, "r": 20, "t": 10, "b": 30}, hovermode="closest", showlegend=True,
        xaxis={"type": "date", "tickformat": "%Y-%m", "hoverformat": "%Y-%m", "tickvals": spread(months, 8), "tickangle": 0},
        yaxis={"rangemode": "tozero", "tickformat": ".0%"}, legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    chart = Chart("churn", figure, "Lines: the share of live buyers lost in each month, of all and by tenure.",
                  narrow={"height": 340, "margin": {"l": 38, "r": 22, "t": 10, "b": 26}, "xaxis": {"tickvals": spread(months, 3)}})
    return render("churn", shop, chart=chart, bands=bands, drawn=drawn, by_month=by_month, months=months, last=months[-1], first=first, rows=rows,
                  year={band: of(band, year) for band in bands}, span=span(year))


def campaigns(shop: Shop) -> str:
    """What each campaign brought more than its holdout, and what may be concluded."""
    titles = {segment["segment"]: segment["title"] for segment in shop.segments}
    rows = shop.rows("from marts.campaign_lift order by starts_on desc, ends_on desc, marketing_campaign_id")
    for row in rows:
        row["nearest"] = next(iter(get_close_matches(row["segment"], titles, 1)), None) if row["segment"] not in titles else None
    # One scale for all, so that the bars can be compared; it has 0 inside.
    limits = [row[column] for row in rows if row["conversion_lift"] is not None for column in ("conversion_lift_from", "conversion_lift_to")]
    return render("campaigns", shop, parts=[rows[:6], rows[6:]], titles=titles, low=min([0, *limits]), high=max([0, *limits]))


def delivered(shop: Shop) -> str:
    """What was delivered in each raw table, what of it counts, and why most of the rest does not."""
    rows = shop.rows("from marts.data_quality order by rejected_rows + repaired_values desc, received_rows desc, table_name")
    found = [row for row in rows if row["received_rows"]]
    sums = {column: sum(row[column] for row in found) for column in ("received_rows", "kept_rows", "rejected_rows", "repaired_values")}
    return render("delivered", shop, rows=found, absent=[row["table_name"] for row in rows if not row["received_rows"]], sums=sums)


# ---------------------------------------------------------------- the order of the sections


@dataclass(frozen=True)
class Section:
    """A section of the page: its anchor and heading, the marts without which it is left out, and the function that writes it."""

    anchor: str
    title: str
    marts: tuple[str, ...]
    write: Callable[[Shop], str]


SECTIONS = [
    Section("glance", "At a glance", (), glance),
    Section("today", "Segments today", (), today),
    Section("value", "Value and margin", ("segment_performance", "purchases"), value),
    Section("returning", "New and returning buyers", ("revenue_by_buyer_type",), returning),
    Section("acquisition", "Cost of new buyers", ("acquisition_costs",), acquisition),
    Section("retention", "Who comes back", ("cohort_retention", "repeat_purchases"), retention),
    Section("churn", "Who is lost", ("churn_monthly",), churn),
    Section("campaigns", "What campaigns brought", ("campaign_lift",), campaigns),
    Section("time", "Segments over time", ("segment_sizes",), over_time),
    Section("rfm", "Recency and frequency", (), rfm),
    Section("flows", "Who moved", ("segment_sizes", "segment_transitions"), flows),
    Section("overlaps", "Overlaps", ("segment_overlaps",), overlaps),
    Section("delivered", "Delivered data", ("data_quality",), delivered),
    Section("segments", "Each segment", (), each_segment),
]


# ---------------------------------------------------------------- the page


# Whatever a template takes from the data is escaped, unless it is Markup.
TEMPLATES = Environment(loader=FileSystemLoader(PARTS), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
TEMPLATES.filters |= {"number": number, "people": people, "change": change, "percent": percent, "words": words, "share_of": share_of,
                      "month": calendar_month, "points": points, "amount": amount}


def render(template: str, shop: Shop, **values: object) -> Markup:
    return Markup(TEMPLATES.get_template(f"{template}.html").render(shop=shop, figures=shop.figures, money=shop.money, **values))


def page(shop: Shop) -> str:
    """The whole page as HTML: the sections whose marts are there, with style and scripts inside."""
    sections = [(section, section.write(shop)) for section in SECTIONS if shop.marts.issuperset(section.marts)]
    scripts = [get_plotlyjs(), (PARTS / "charts.js").read_text()]
    # Only these two scripts may run, and nothing may be loaded.
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src " + " ".join(
        f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)
    return render("page", shop, sections=sections, scripts=[Markup(script) for script in scripts], policy=policy,
                  style=Markup((PARTS / "style.css").read_text()))


def write_dashboard(database: Path, path: Path, is_simulated: bool = False) -> None:
    """Write the dashboard of a built shop.

    database: path of a DuckDB file with the schema `marts`; it is opened read-only. path: the page to write; it is written beside
    and renamed, so that a reader never sees half of it. is_simulated: the page says that people and orders are made up.
    Raises DashboardError where the file cannot be read or holds no built shop.
    """
    try:
        with duckdb.connect(database, read_only=True) as connection:
            content = page(Shop(connection, is_simulated))
    except duckdb.IOException as error:
        raise DashboardError(f"{database} cannot be read: {str(error).splitlines()[0]}") from error
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(content, encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
