-- One row per order.
{{ config(enabled=is_connected('woocommerce')) }}

with

orders as (

    select * from {{ ref('woocommerce__stored_orders') }}
    where order_type = 'shop_order' and coalesce(status, '') <> 'draft'

),

coupons as (

    select
        order_id,
        min({{ binary_collation('order_item_name') }}) as discount_code
    from {{ ref('woocommerce__items') }}
    where order_item_type = 'coupon' and not is_deleted
    group by order_id

)

select
    orders.order_id,
    orders.customer_id,
    orders.email,
    orders.created_at as ordered_at,
    orders.status,
    orders.currency,
    -- Coupons stand in the lines already.
    cast(0 as {{ decimal_type(18, 6) }}) as discount_amount,
    coupons.discount_code,
    {{ cannot_tell('orders', ['delivered_at', 'is_test']) }},
    orders.updated_at,
    orders.is_deleted,
    orders.loaded_at,
    orders.source_error
from orders
left join coupons on orders.order_id = coupons.order_id
