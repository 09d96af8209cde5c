-- One row per product of an order. Both amounts of an item are without tax, whether or not the shop's prices include it.
{{ config(enabled=is_connected('woocommerce'), materialized='table') }}

with

orders as (

    select * from {{ ref('woocommerce__stored_orders') }}
    where order_type = 'shop_order' and coalesce(status, '') <> 'draft'

),

-- Whoever edits an order may set a total above the subtotal: the price was raised, and nothing is discounted.
items as (

    select
        *,
        case when total_amount > subtotal_amount then total_amount else subtotal_amount end as gross_amount
    from {{ ref('woocommerce__items') }}
    where order_item_type = 'line_item'

)

select
    items.order_item_id as order_line_id,
    items.order_id,
    items.product_id,
    items.quantity,
    case
        when items.quantity > 0 then {{ quotient('items.gross_amount', 'items.quantity', 6) }}
        else items.gross_amount
    end as unit_price,
    {{ cannot_tell('order_lines', ['list_price']) }},
    items.gross_amount - items.total_amount as discount_amount,
    case when items.quantity > 0 then {{ quotient('items.cost_amount', 'items.quantity', 6) }} end as unit_cost,
    orders.updated_at,
    items.is_deleted or orders.is_deleted as is_deleted,
    {{ latest_of(['items.loaded_at', 'orders.loaded_at']) }} as loaded_at,
    items.source_error
from items
inner join orders on items.order_id = orders.order_id
