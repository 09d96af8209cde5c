-- The goods of each paid order are what WooCommerce calls its net total, less fees: its total less tax, shipping and fees;
-- and what its refunds gave back is theirs. A refund without items says no such thing of itself: an order that is refunded
-- as a whole has no revenue left. Gift cards pay a part of a total, and are sold with others' goods, and a line of no units
-- counts in nothing: their orders are not compared. WooCommerce rounds totals and taxes to cents.
-- A warning, as plugins write odd orders.
{{ config(enabled=is_connected('woocommerce'), severity='warn') }}

with

stored_orders as (

    select * from {{ ref('woocommerce__stored_orders') }}
    where not is_deleted

),

item_values as (

    {{ woocommerce_meta('woocommerce_order_itemmeta', 'order_item_id', [
        'tax_amount', 'shipping_tax_amount', 'cost', '_line_total'
    ]) }}

),

gift_cards as (

    select product_id from {{ ref('woocommerce__products') }}
    where is_gift_card

),

-- Of orders and refunds: what is in their totals beside goods.
totals as (

    select
        items.order_id,
        sum(case
            when items.order_item_type = 'tax'
                then
                    coalesce({{ woocommerce_number('item_values.tax_amount') }}, 0)
                    + coalesce({{ woocommerce_number('item_values.shipping_tax_amount') }}, 0)
            when items.order_item_type = 'shipping' then coalesce({{ woocommerce_number('item_values.cost') }}, 0)
            when items.order_item_type = 'fee' then coalesce({{ woocommerce_number('item_values.line_total') }}, 0)
            else 0
        end) as other_amount,
        max(case when items.has_amount then 1 else 0 end) as has_amount,
        max(case when gift_cards.product_id is not null or items.order_item_type like '%gift%card%' then 1 else 0 end)
            as has_gift_card,
        max(case when items.order_item_type = 'line_item' and items.quantity = 0 and items.total_amount <> 0 then 1 else 0 end)
            as has_line_of_no_units,
        0.01 + sum(case when items.order_item_type = 'line_item' then 0.000001 * abs(items.quantity) else 0.01 end) as rounding
    from {{ ref('woocommerce__items') }} as items
    inner join item_values on items.order_item_id = item_values.order_item_id
    left join gift_cards on items.product_id = gift_cards.product_id
    where not items.is_deleted
    group by items.order_id

),

source_refunds as (

    select
        stored_orders.parent_order_id as order_id,
        sum(stored_orders.refund_amount) as refund_amount,
        sum(stored_orders.refund_amount + coalesce(totals.other_amount, 0)) as goods_amount,
        min(coalesce(totals.has_amount, 0)) as has_amount,
        max(coalesce(totals.has_gift_card, 0)) as has_gift_card,
        sum(coalesce(totals.rounding, 0.01)) as rounding
    from stored_orders
    left join totals on stored_orders.order_id = totals.order_id
    where
        stored_orders.order_type = 'shop_order_refund'
        and {{ local_date('stored_orders.created_at') }} <= {{ as_of_date() }}
    group by stored_orders.parent_order_id

),

goods as (

    select
        order_id,
        sum(gross_amount + gross_remainder - discount_amount) as goods_amount
    from {{ ref('int_order_lines') }}
    group by order_id

),

refunds as (

    select
        order_id,
        sum(refunded_amount) as refunded_amount
    from {{ ref('int_refunds') }}
    group by order_id

),

compared as (

    select
        stored_orders.order_id,
        coalesce(goods.goods_amount, 0) as goods_amount,
        stored_orders.total_amount - totals.other_amount as source_goods_amount,
        coalesce(refunds.refunded_amount, 0) as refunded_amount,
        coalesce(source_refunds.goods_amount, 0) as source_refunded_amount,
        coalesce(source_refunds.has_amount, 1) = 0 as has_lump_sum,
        coalesce(source_refunds.refund_amount >= stored_orders.total_amount, false) as is_refunded,
        totals.rounding + coalesce(source_refunds.rounding, 0) as rounding
    from stored_orders
    inner join {{ ref('int_orders') }} as int_orders on stored_orders.order_id = int_orders.order_id
    inner join totals on stored_orders.order_id = totals.order_id
    left join source_refunds on stored_orders.order_id = source_refunds.order_id
    left join goods on stored_orders.order_id = goods.order_id
    left join refunds on stored_orders.order_id = refunds.order_id
    where
        stored_orders.order_type = 'shop_order'
        and int_orders.is_paid
        and totals.has_gift_card = 0
        and totals.has_line_of_no_units = 0
        and coalesce(source_refunds.has_gift_card, 0) = 0

)

select * from compared
where
    abs(goods_amount - source_goods_amount) > rounding
    or (not has_lump_sum and abs(refunded_amount - source_refunded_amount) > rounding)
    or (is_refunded and refunded_amount < goods_amount - rounding)
