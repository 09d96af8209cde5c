-- One row per order line.
with

kept as (

    {{ kept_rows('order_lines') }}

)

select
    order_line_id,
    order_id,
    product_id,
    quantity,
    unit_price,
    list_price,
    coalesce(discount_amount, 0) as discount_amount,
    case when unit_cost >= 0 then unit_cost end as unit_cost,
    updated_at
from kept
