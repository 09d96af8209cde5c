-- One row per line of a paid order, or per paid order, to which more was refunded than was paid for goods: tax and shipping are
-- in such refunds, as a rule. Nothing is capped. Money is in the order's currency.
with

orders as (

    select * from {{ ref('int_orders') }}
    where is_paid

),

order_lines as (

    select * from {{ ref('stg_order_lines') }}

),

counted_lines as (

    select * from {{ ref('int_order_lines') }}

),

refunds as (

    select * from {{ ref('int_refunds') }}

),

order_refunds as (

    select
        order_id,
        sum(refunded_amount) as refunded_amount
    from refunds
    group by order_id

),

-- For a line that counts in nothing, a gift card or one of quantity 0, nothing was paid that counts.
refunded_lines as (

    select
        refunds.order_id,
        refunds.order_line_id,
        cast(refunds.refunded_amount as {{ decimal_type(28, 6) }}) as refunded_amount,
        cast(coalesce(counted_lines.paid_amount, 0) as {{ decimal_type(28, 6) }}) as paid_amount
    from refunds
    inner join orders on refunds.order_id = orders.order_id
    inner join order_lines
        on refunds.order_line_id = order_lines.order_line_id and refunds.order_id = order_lines.order_id
    left join counted_lines
        on refunds.order_line_id = counted_lines.order_line_id and refunds.order_id = counted_lines.order_id

),

-- Shares of a discount are rounded up, so what was paid may be a cent more than here.
line_excess as (

    select
        *,
        refunded_amount - paid_amount as excess_amount
    from refunded_lines
    where refunded_amount - paid_amount > 0.01

),

order_line_excess as (

    select
        order_id,
        sum(excess_amount) as excess_amount
    from line_excess
    group by order_id

),

order_goods as (

    select
        counted_lines.order_id,
        sum(counted_lines.gross_amount + counted_lines.gross_remainder - counted_lines.discount_amount) as net_amount
    from counted_lines
    inner join order_refunds on counted_lines.order_id = order_refunds.order_id
    group by counted_lines.order_id

),

refunded_orders as (

    select
        orders.order_id,
        cast(order_refunds.refunded_amount as {{ decimal_type(28, 6) }}) as refunded_amount,
        cast(greatest(coalesce(order_goods.net_amount, 0) - orders.discount_amount, 0) as {{ decimal_type(28, 6) }})
            as paid_amount,
        cast(coalesce(order_line_excess.excess_amount, 0) as {{ decimal_type(28, 6) }}) as line_excess_amount
    from order_refunds
    inner join orders on order_refunds.order_id = orders.order_id
    left join order_goods on order_refunds.order_id = order_goods.order_id
    left join order_line_excess on order_refunds.order_id = order_line_excess.order_id

),

-- What its lines' rows say is not said again, so that the excess can be summed.
excess as (

    select
        'order_lines' as table_name,
        order_line_id as row_key,
        order_id,
        refunded_amount,
        paid_amount,
        excess_amount
    from line_excess

    union all

    select
        'orders' as table_name,
        order_id as row_key,
        order_id,
        refunded_amount,
        paid_amount,
        refunded_amount - paid_amount - line_excess_amount as excess_amount
    from refunded_orders
    where refunded_amount - paid_amount - line_excess_amount > 0

)

select
    excess.table_name,
    excess.row_key,
    excess.order_id,
    excess.refunded_amount,
    excess.paid_amount,
    cast(excess.excess_amount as {{ decimal_type(28, 6) }}) as excess_amount,
    orders.currency
from excess
inner join orders on excess.order_id = orders.order_id
