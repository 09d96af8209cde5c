"""What buyers will probably do: what to expect of them, by segment, and how such a forecast came out."""

from decimal import Decimal

from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.rendering import render

MOST_SEGMENTS = 10


def predictions(shop: Shop) -> str:
    """What today's buyers are expected to bring, and beside it the shares that were expected to order in the last 90
    days and the shares that did."""
    segments = [
        segment | shop.expected[segment["segment"]]
        for segment in shop.segments
        if shop.expected.get(segment["segment"], {}).get("value") is not None
    ]
    fifths = shop.rows("from marts.prediction_calibration order by fifth")
    judged = sum(row["buyers"] for row in fifths)

    def share(column: str) -> Decimal | None:
        return sum(row["buyers"] * row[column] for row in fifths) / judged if judged else None

    return render(
        "predictions",
        shop,
        everybody=shop.expected.get(None),
        segments=sorted(segments, key=lambda row: -row["value"])[:MOST_SEGMENTS],
        fifths=fifths,
        judged=judged,
        predicted=share("predicted_share"),
        actual=share("actual_share"),
        reasons=[row["reason"] for row in shop.rows("from marts.prediction_fits where reason <> '' order by model")],
    )
