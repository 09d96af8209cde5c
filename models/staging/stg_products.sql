-- One row per product.
select
    product_id,
    product_name,
    category,
    coalesce(is_gift_card, false) as is_gift_card,
    case when price_repaired_from is null then price end as price,
    case when unit_cost_repaired_from is null then unit_cost end as unit_cost,
    updated_at
from {{ ref('base_products') }}
where row_status = 'kept'
