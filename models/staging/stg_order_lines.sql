-- One row per order line.
select
    order_line_id,
    order_id,
    product_id,
    quantity,
    unit_price,
    list_price,
    discount_amount,
    updated_at
from {{ ref('base_order_lines') }}
where verdict = 'kept'
