"""Who moved: from which lifecycle stage or RFM group to which."""

import plotly.graph_objects as go

from ecommerce_segments.dashboard.charts import Chart
from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.rendering import render
from ecommerce_segments.dashboard.wording import STAGES, label, number, words

# The order in which readers expect them; values that are not listed follow, by name.
RFM_GROUPS = [
    "champions",
    "loyal_customers",
    "potential_loyalists",
    "new_customers",
    "promising",
    "need_attention",
    "about_to_sleep",
    "at_risk",
    "cant_lose_them",
    "hibernating",
    "lost",
    "unscored",
]

FLOW_HEIGHT, FLOW_GAP = 520, 14

# Okabe and Ito's colours, darkened or lightened until each has 3:1 on white and on the dark ground.
FLOW_COLORS = ["#7a7f87", "#2f8fc4", "#0f9d6e", "#c98500", "#d1561f", "#b3679b", "#5a76d6"]


def flows(shop: Shop) -> str:
    """Who went from which lifecycle stage or RFM group to which, since the previous date."""
    rows = shop.rows(
        "from marts.segment_transitions where as_of_date = $day order by trait, from_value, to_value",
        day=shop.as_of_date,
    )
    if not shop.previous_date or not rows:
        return render("flows", shop, chart=None, traits=[])
    figure, traits = go.Figure(), []
    for trait, title, order in (
        ("lifecycle_stage", "Lifecycle stages", STAGES),
        ("rfm_group", "RFM groups", RFM_GROUPS),
    ):
        moves = {(row["from_value"], row["to_value"]): row["customers"] for row in rows if row["trait"] == trait}
        before, after = (
            in_order({was for was, _ in moves}, ["none", *order]),
            in_order({is_now for _, is_now in moves} - {"none"}, order),
        )
        after += ["none"] * any(is_now == "none" for _, is_now in moves)
        traits.append(
            {
                "title": title,
                "moves": moves,
                "before": before,
                "after": after,
                "all": sum(customers for (_, is_now), customers in moves.items() if is_now != "none"),
                "gone": sum(customers for (_, is_now), customers in moves.items() if is_now == "none"),
                "stayed": sum(customers for (was, is_now), customers in moves.items() if was == is_now),
                "largest": sorted(
                    (
                        (was, is_now, customers)
                        for (was, is_now), customers in moves.items()
                        if was != is_now and "none" not in (was, is_now)
                    ),
                    key=lambda move: (-move[2], move),
                )[:4],
            }
        )
        drawn = {move: customers for move, customers in moves.items() if move[0] != move[1] and move[1] != "none"}
        figure.add_trace(sankey(drawn, in_order({value for move in drawn for value in move}, ["none", *order]), title))
    figure.update_layout(height=FLOW_HEIGHT, margin={"l": 4, "r": 4, "t": 8, "b": 8})
    chart = Chart(
        "flows",
        figure,
        f"Flow diagram: customers who changed since {shop.previous_date}, from the former to the present value.",
        choices={"Moves between": [trait["title"] for trait in traits]},
    )
    return render("flows", shop, chart=chart, traits=traits)


def in_order(values: set[str], order: list[str]) -> list[str]:
    """The values in an order that readers expect; those that it does not list follow, by name."""
    return [value for value in order if value in values] + sorted(values - set(order))


def sankey(moves: dict[tuple[str, str], int], order: list[str], title: str) -> go.Sankey:
    """Former values on the left, present ones on the right, both in order; the width of a band is its customers."""
    totals: tuple[dict, dict] = ({}, {})
    for move, customers in moves.items():
        for side in (0, 1):
            totals[side][move[side]] = totals[side].get(move[side], 0) + customers
    nodes = [(side, value) for side in (0, 1) for value in in_order(set(totals[side]), order)]
    colors = {value: FLOW_COLORS[place % len(FLOW_COLORS)] for place, value in enumerate(order)}
    return go.Sankey(
        name=title,
        arrangement="fixed",
        valueformat=",",
        node={
            "label": [
                f"{label(words(value) if value != 'none' else 'New to the shop')} {number(totals[side][value])}"
                for side, value in nodes
            ],
            "x": [(0.001, 0.999)[side] for side, _ in nodes],
            "y": [middle for side in (0, 1) for middle in middles(totals[side], order)],
            "color": [colors[value] for _, value in nodes],
            "pad": FLOW_GAP,
            "thickness": 14,
            "line": {"width": 0},
            "hovertemplate": "%{label}<extra></extra>",
        },
        link={
            "source": [nodes.index((0, was)) for was, _ in moves],
            "target": [nodes.index((1, is_now)) for _, is_now in moves],
            "value": list(moves.values()),
            "color": [
                translucent(colors[was], 0.45 if customers > 0.01 * sum(moves.values()) else 0.15)
                for (was, _), customers in moves.items()
            ],
            "hovertemplate": "%{source.label} \N{RIGHTWARDS ARROW} %{target.label}<br><b>%{value}</b><extra></extra>",
        },
    )


def middles(totals: dict[str, int], order: list[str]) -> list[float]:
    """How far down (0 to 1) the middle of each node lies, from their sizes and the gaps between them."""
    gap = FLOW_GAP / FLOW_HEIGHT
    unit = (1 - gap * (len(totals) - 1)) / sum(totals.values())
    found, top = [], 0.0
    for value in in_order(set(totals), order):
        found.append(max(0.001, top + totals[value] * unit / 2))
        top += totals[value] * unit + gap
    return found


def translucent(color: str, opacity: float) -> str:
    """A colour such as #2f8fc4 with an opacity from 0 to 1, as CSS has it."""
    return f"rgba({int(color[1:3], 16)},{int(color[3:5], 16)},{int(color[5:7], 16)},{opacity})"
