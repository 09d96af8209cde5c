"""Delivered data: what of the raw tables counts, and why the rest does not."""

from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.rendering import render


def delivered(shop: Shop) -> str:
    """What was delivered in each raw table, what of it counts, and why most of the rest does not."""
    rows = shop.rows(
        "from marts.data_quality order by rejected_rows + repaired_values desc, received_rows desc, table_name"
    )
    found = [row for row in rows if row["received_rows"]]
    sums = {
        column: sum(row[column] for row in found)
        for column in ("received_rows", "kept_rows", "rejected_rows", "repaired_values")
    }
    return render(
        "delivered", shop, rows=found, absent=[row["table_name"] for row in rows if not row["received_rows"]], sums=sums
    )
