"""Each segment: all that is known of it, one after the other."""

from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.rendering import render


def each_segment(shop: Shop) -> str:
    """Each segment with its definition, advice, size, value, comings and goings, and a few of its customers."""
    examples = ids_by_segment(
        shop,
        """
        select segment, customer_id,
            row_number() over (partition by segment order by is_guest, net_revenue desc, customer_id) as place
        from marts.segment_memberships inner join marts.customers using (customer_id)
    """,
    )
    entered = exited = {}
    if shop.previous_date and "segment_history" in shop.marts:
        entered, exited = (
            ids_by_segment(
                shop,
                f"""
            select segment, customer_id,
                row_number() over (partition by segment order by customer_id like 'guest:%', customer_id) as place
            from marts.segment_history where {column} = cast('{shop.as_of_date}' as date)
        """,
            )
            for column in ("entered_on", "exited_on")
        )
    return render("each_segment", shop, examples=examples, entered=entered, exited=exited)


def ids_by_segment(shop: Shop, query: str) -> dict[str, list[str]]:
    """Up to 5 ids of each segment, by the column `place`.

    Ids that look like an email are left out: a page is passed on.
    """
    ids: dict[str, list[str]] = {}
    for row in shop.rows(
        f"select segment, customer_id from ({query}) where place <= 20 and customer_id not like '%@%' order by"
        " segment, place"
    ):
        ids.setdefault(row["segment"], []).append(row["customer_id"])
    return {segment: found[:5] for segment, found in ids.items()}
