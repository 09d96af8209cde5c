-- One row per order of which something was refunded, dated at the order: the export says neither when, nor for which item, nor
-- how much of it was shipping or tax. What was refunded of the total stands for what was refunded of the goods.
{{ config(enabled=is_connected('shopify_csv')) }}

with

orders as (

    select
        *,
        subtotal - gift_cards_amount as goods_amount
    from {{ ref('shopify_csv__order_heads') }}
    where refunded_amount > 0

),

net_orders as (

    select
        *,
        {{ net_of_tax('goods_amount') }} as net_amount
    from orders

),

refunds as (

    select
        *,
        cast(
            case
                when refunded_amount < total
                    then {{ quotient('cast(net_amount as ' ~ decimal_type(19, 6) ~ ') * refunded_amount', 'total', 6) }}
                else net_amount
            end as {{ decimal_type(18, 6) }}
        ) as amount
    from net_orders

)

select
    order_id as refund_id,
    order_id,
    created_at as refunded_at,
    amount,
    updated_at,
    {{ cannot_tell('refunds', ['order_line_id', 'reason', 'is_deleted', 'loaded_at']) }},
    source_error
from refunds
where amount > 0
