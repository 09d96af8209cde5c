"""Recency and frequency: buyers by both scores."""

from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.rendering import render
from ecommerce_segments.dashboard.wording import compact, number


def rfm(shop: Shop) -> str:
    """Buyers by recency score and frequency score, in customers and in money.

    The colour says how good a cell is, its bar how much is in it.
    """
    cells = {(row["recency_score"], row["frequency_score"]): row for row in shop.rows("""
        select recency_score, frequency_score, count(*) as customers, sum(net_revenue) as net_revenue
        from marts.customers where recency_score is not null group by recency_score, frequency_score
    """)}
    if not cells:
        return render("rfm", shop, maps=[])
    maps = []
    for column, title, told in (("customers", "Customers", number), ("net_revenue", "Net revenue so far", compact)):
        values = {scores: cell[column] for scores, cell in cells.items()}
        maps.append(
            {
                "name": column,
                "title": title,
                "told": told,
                "values": values,
                "all": sum(values.values()),
                "largest": max(values.values()),
                "best": sum(value for scores, value in values.items() if min(scores) >= 4),
            }
        )
    found = {
        "recency": sorted({recency for recency, _ in cells}),
        "frequency": sorted({frequency for _, frequency in cells}),
    }
    missing = [
        f"{trait} score {score}" for trait, scores in found.items() for score in range(1, 6) if score not in scores
    ]
    return render(
        "rfm",
        shop,
        maps=maps,
        missing=missing,
        ranges=score_ranges(shop),
        unscored=shop.figures["buyers"] - maps[0]["all"],
        recency_scores=found["recency"][::-1],
        frequency_scores=found["frequency"],
    )


def score_ranges(shop: Shop) -> dict[tuple[str, int], tuple[str, str]]:
    """By trait and score, the values that have the score today, and their unit."""
    if "rfm_thresholds" not in shop.marts:
        return {}
    ranges, units = {}, {"recency_days": "days", "frequency": "purchases"}
    for row in shop.rows("from marts.rfm_thresholds where trait in ('recency_days', 'frequency')"):
        first, last = row["from_value"], row["to_value"]
        if row["customers"]:
            ranges[row["trait"], row["score"]] = (
                number(first) if first == last else f"{number(first)} to {number(last)}",
                units[row["trait"]][: -1 if last == 1 else None],
            )
    return ranges
