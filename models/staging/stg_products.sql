-- One row per product.
select
    product_id,
    product_name,
    category,
    is_gift_card,
    price,
    unit_cost,
    updated_at
from {{ ref('base_products') }}
where verdict = 'kept'
