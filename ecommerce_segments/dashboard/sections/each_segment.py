"""Each segment: all that is known of it, one after the other."""

from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.rendering import render
from ecommerce_segments.define.register import file_of

# Of each segment, what its members are offered most, in rows of product and customers.
OFFERED = """
    with names as (
        select product_id, max(product_name) as product_name from marts.product_affinities group by product_id
    )
    select segment, coalesce(max(product_name), product_id) as product, count(*) as customers
    from marts.segment_memberships inner join marts.next_products using (customer_id) left join names using (product_id)
    group by segment, product_id
    qualify row_number() over (partition by segment order by customers desc, product_id) <= 5
    order by segment, customers desc, product_id
"""
MESSAGES = """
    select segment, held_back_by, count(*) as customers from marts.next_messages
    group by segment, held_back_by order by held_back_by
"""


def each_segment(shop: Shop) -> str:
    """Each segment with its definition, advice, size, value, comings and goings, overlaps, next products, messages,
    campaigns, a few of its customers and its SQL."""
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
    files = {segment["segment"]: file_of(segment["segment"]) for segment in shop.segments}
    return render(
        "each_segment",
        shop,
        examples=examples,
        entered=entered,
        exited=exited,
        year=by_segment(shop, "from marts.segment_performance", "segment_performance"),
        offered=by_segment(shop, OFFERED, "next_products", "product_affinities"),
        messages=by_segment(shop, MESSAGES, "next_messages"),
        campaigns=by_segment(shop, "from marts.campaign_lift order by starts_on desc", "campaign_lift"),
        sql={segment: file.read_text().strip() for segment, file in files.items() if file.exists()},
    )


def by_segment(shop: Shop, query: str, *marts: str) -> dict[str, list[dict]]:
    """The rows of a query by their column `segment`; none where one of the marts that it asks is absent."""
    found: dict[str, list[dict]] = {}
    for row in shop.rows(query) if shop.marts.issuperset(marts) else []:
        found.setdefault(row["segment"], []).append(row)
    return found


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
