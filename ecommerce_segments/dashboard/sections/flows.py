"""Who moved: from which lifecycle stage or RFM group to which."""

from ecommerce_segments.dashboard.charts import Chart
from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.rendering import render
from ecommerce_segments.dashboard.wording import STAGES, words

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

def flows(shop: Shop) -> str:
    """Who went from which lifecycle stage or RFM group to which, since the previous date."""
    rows = shop.rows(
        "from marts.segment_transitions where as_of_date = $day order by trait, from_value, to_value",
        day=shop.as_of_date,
    )
    if not shop.previous_date or not rows:
        return render("flows", shop, chart=None, traits=[])
    traces, traits = [], []
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
        # Places in the order of the values: charts.js asks for bands from the top down.
        values = in_order({value for move in drawn for value in move}, ["none", *order])
        traces.append({
            "values": ["New to the shop" if value == "none" else words(value) for value in values],
            "bands": sorted((values.index(was), values.index(is_now), size) for (was, is_now), size in drawn.items()),
        })
    chart = Chart(
        "flows",
        "flows",
        traces,
        f"Flow diagram: customers who changed since {shop.previous_date}, from the former to the present value.",
        choices={"Moves between": [trait["title"] for trait in traits]},
    )
    return render("flows", shop, chart=chart, traits=traits)


def in_order(values: set[str], order: list[str]) -> list[str]:
    """The values in an order that readers expect; those that it does not list follow, by name."""
    return [value for value in order if value in values] + sorted(values - set(order))
