"""What was planted in the demo shop, and where its marts must show it. The ranges stand in docs/demo_shop.md.

A figure is a query on the marts; each value of its answer must lie in the range.
"""

import re

import duckdb

from project import PROJECT

PAIRS = """(values
    ('Bags no. 28', 'Accessories no. 34'), ('Lighting no. 30', 'Decoration no. 26'),
    ('Kitchen no. 32', 'Bedding no. 30'), ('Dresses no. 29', 'Shoes no. 31')
) as pairs (one, other)"""
IN_PAIRS = f"""exists (
    from {PAIRS} where (product_name, other_product_name) in ((one, other), (other, one))
)"""
IN_ORDER = "(least(category, other_category), greatest(category, other_category))"
PARTNERS = f"{IN_ORDER} in (('Bedding', 'Decoration'), ('Dresses', 'Shoes'))"
RIVALS = f"{IN_ORDER} in (('Kitchen', 'Outerwear'), ('Lighting', 'Tops'))"
LAST_YEAR = """
    from marts.funnel_monthly
    where channel = 'all' and buyer_type = 'all' and is_complete and month >= '2025-07-01'
"""
LAST_TO_FIRST = """
    select sum(purchases) filter (rule = 'last_touch') / sum(purchases) filter (rule = 'first_touch')
    from marts.channel_performance
"""

FIGURES = {
    "purchases per 100 visits": f"select 100 * sum(sessions_with_order) / sum(sessions) {LAST_YEAR}",
    "carts left behind": f"select 100 * sum(carts_without_order) / sum(sessions_with_cart) {LAST_YEAR}",
    "carts that reach a checkout": f"select 100 * sum(sessions_with_checkout) / sum(sessions_with_cart) {LAST_YEAR}",
    "carts recovered": f"select 100 * sum(recovered_carts) / sum(carts_without_order) {LAST_YEAR}",
    "a second purchase": "select 100 * repeat_rate from marts.repeat_purchases where purchase_number = 1",
    "a third purchase": "select 100 * repeat_rate from marts.repeat_purchases where purchase_number = 2",
    "products that belong together":
        f"select lift from marts.product_affinities where affinity_number = 1 and {IN_PAIRS}",
    "their rows": f"select count(*) from marts.product_affinities where affinity_number = 1 and {IN_PAIRS}",
    "rows of other products": f"select count(*) from marts.product_affinities where not {IN_PAIRS}",
    "partner categories": f"select lift from marts.category_affinities where affinity_number = 1 and {PARTNERS}",
    "rows of partner categories":
        f"select count(*) from marts.category_affinities where affinity_number = 1 and {PARTNERS}",
    "other categories": f"select lift from marts.category_affinities where not {PARTNERS}",
    "rows of rival categories": f"select count(*) from marts.category_affinities where {RIVALS}",
    "products that win buyers": """
        select 100 * (return_rate_from - shop_return_rate) from marts.gateway_products
        where product_name in ('Kitchen no. 25', 'Shoes no. 22')
    """,
    "a product that ends it":
        "select 100 * return_rate_to from marts.gateway_products where product_name = 'Accessories no. 12'",
    "a first purchase with a discount": """
        select 100 * (avg(is_back) filter (is_discounted) - avg(is_back) filter (not is_discounted))
        from (
            select
                first.is_discounted,
                (count(later.order_id) > 0)::int as is_back
            from marts.purchases as first
            left join marts.purchases as later
                on first.customer_id = later.customer_id
                and later.purchased_on between first.purchased_on + 1 and first.purchased_on + 180
            where first.purchase_number = 1 and first.sale_campaign_id is null and first.purchased_on <= '2026-01-01'
            group by first.order_id, first.is_discounted
        )
    """,
    "buyers won by a sale": """
        select 100 * return_rate_difference_to from marts.sale_results
        where starts_on >= '2024-06-01' and new_buyers_back is not null
    """,
    "products bought again": "select count(*) from marts.product_replenishments",
    "credit of coupon sites": f"{LAST_TO_FIRST} where channel = 'affiliate'",
    "credit of other channels":
        f"{LAST_TO_FIRST} where channel in ('paid_search', 'paid_social', 'referral') group by channel",
    "sign-ups that order soon": """
        select 100 * sum(first_orders_30d) / sum(first_orders_90d) from marts.signup_months
        where first_orders_90d is not null
    """,
    "sign-ups without an order": """
        select 100 - 100 * sum(first_orders_90d) / sum(subscribed_customers) from marts.signup_months
        where first_orders_90d is not null
    """,
    "refunds of what does not fit": """
        select 100 * sum(occurrences) filter (reason = 'does not fit') / sum(occurrences)
        from marts.reasons where kind = 'refunds'
    """,
    "reviews about the delivery": """
        select 100 * sum(occurrences) filter (reason = 'delivery') / sum(occurrences)
        from marts.reasons where kind = 'reviews'
    """,
    "days to delivery": """
        select median(last_delivered_on - last_purchased_on) from marts.customers where last_delivered_on is not null
    """,
}
MARGIN_LIFT = "from marts.campaign_margins where (marketing_campaign_id, value_tier) ="
# Of the campaigns, whose audiences the test makes.
FIGURES_OF_CAMPAIGNS = {
    "margin of win-back-2026": f"select net_margin_lift_from {MARGIN_LIFT} ('win-back-2026', 'all')",
    "buyers of spring-news-2026":
        "select 100 * conversion_lift_from from marts.campaign_lift where marketing_campaign_id = 'spring-news-2026'",
    "margin of collection-2026, high value": f"select net_margin_lift_from {MARGIN_LIFT} ('collection-2026', 'high')",
    "margin of collection-2026, low value, from":
        f"select gross_margin_lift_from {MARGIN_LIFT} ('collection-2026', 'low')",
    "margin of collection-2026, low value, to":
        f"select gross_margin_lift_to {MARGIN_LIFT} ('collection-2026', 'low')",
}


def ranges() -> dict[str, tuple[float, float]]:
    """By figure: `| carts left behind | ... | 64 to 74 % | ... |`."""
    _, section = (PROJECT / "docs" / "demo_shop.md").read_text().split("## What was planted")
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| (-?[\d.]+) to (-?[\d.]+)[^|]* \|", section, re.MULTILINE)
    return {figure: (float(low), float(high)) for figure, low, high in rows}


def outside(shop: duckdb.DuckDBPyConnection, figure: str, query: str) -> list:
    """The values of a figure that are not in its range, or None if there is no value."""
    low, high = ranges()[figure]
    values = [value for (value,) in shop.execute(query).fetchall()] or [None]
    return [value for value in values if value is None or not low <= value <= high]
