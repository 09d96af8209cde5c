"""What goes with what, and what is due: what good customers begin with, pairs of products, and what is bought again."""

from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.rendering import render

MOST_ROWS = 8


def products(shop: Shop) -> str:
    """The gateway products and categories beside the shop, the surest pairs of products, and what is due most."""
    gateways = shop.rows(
        "from marts.gateway_products order by return_rate_from desc, first_buyers desc, product_id, category"
    )
    begun = {kind: [row for row in gateways if row["kind"] == kind] for kind in ("category", "product")}
    # Each pair once, in the direction of the greater confidence.
    pairs = shop.rows(
        """
        select * from marts.product_affinities
        qualify row_number() over (
            partition by least(product_id, other_product_id), greatest(product_id, other_product_id)
            order by confidence desc, product_id
        ) = 1
        order by log_likelihood_ratio desc, common_buyers desc, product_id, other_product_id
        """
    )
    due = shop.rows(
        """
        select
            product_id,
            any_value(product_name) as product_name,
            any_value(median_gap_days) as median_gap_days,
            count(*) as customers
        from marts.due_products left join marts.product_replenishments using (product_id)
        group by product_id order by customers desc, product_id
        """
    )
    due_customers = shop.rows("select count(distinct customer_id) as customers from marts.due_products")
    return render(
        "products",
        shop,
        shop_rate=gateways[0]["shop_return_rate"] if gateways else None,
        begun={kind: rows[:MOST_ROWS] for kind, rows in begun.items()},
        better=[row for row in begun["product"] if row["return_rate_from"] > row["shop_return_rate"]],
        gateways=begun["product"],
        # Half of the misses of a 95 % interval lie above.
        by_chance=round(0.025 * len(begun["product"])),
        pairs=pairs[:MOST_ROWS],
        all_pairs=len(pairs),
        due=due[:MOST_ROWS],
        all_due=len(due),
        due_customers=due_customers[0]["customers"],
    )
