-- One row per order line.
with

kept as (

    {{ kept_rows('order_lines', key='order_line_id', columns=[
        'order_line_id',
        'order_id',
        'product_id',
        'quantity',
        'unit_price',
        'list_price',
        'discount_amount',
        'updated_at'
    ]) }}

)

select
    order_line_id,
    order_id,
    product_id,
    quantity,
    unit_price,
    list_price,
    coalesce(discount_amount, 0) as discount_amount,
    updated_at
from kept
