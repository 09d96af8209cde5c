-- One row per line of a paid order that counts: lines of quantity 0 and of gift cards count in nothing. product_id is null where
-- the catalogue does not hold the product. Category and cost are those that it has now, unless the line brings its own cost. The
-- remainders are what amounts have beyond 6 places.
with

orders as (

    select * from {{ ref('int_orders') }}
    where is_paid

),

order_lines as (

    select * from {{ ref('stg_order_lines') }}
    where quantity > 0

),

products as (

    select * from {{ ref('stg_products') }}

),

-- They count for a line only if they name the line's own order.
line_refunds as (

    select * from {{ ref('int_refunds') }}
    where order_line_id is not null

),

refunded_orders as (

    select distinct order_id from line_refunds

),

priced as (

    select
        order_lines.order_line_id,
        order_lines.order_id,
        products.product_id,
        products.category,
        {{ product_to_6_places('order_lines.quantity', 'order_lines.unit_price', digits=18) }} as gross_amount,
        {{ product_beyond_6_places('order_lines.quantity', 'order_lines.unit_price') }} as gross_remainder,
        order_lines.discount_amount,
        {{ product_to_6_places('order_lines.quantity', 'coalesce(order_lines.unit_cost, products.unit_cost)') }} as cost,
        {{ product_beyond_6_places('order_lines.quantity', 'coalesce(order_lines.unit_cost, products.unit_cost)') }}
            as cost_remainder,
        order_lines.unit_cost is not null and orders.currency <> '{{ var("reporting_currency") }}' as is_foreign_cost,
        order_lines.discount_amount > 0
        or coalesce(order_lines.list_price > order_lines.unit_price, false) as is_discounted,
        line_refunds.refunded_amount,
        orders.discount_amount as order_discount_amount
    from order_lines
    inner join orders on order_lines.order_id = orders.order_id
    left join products on order_lines.product_id = products.product_id
    left join line_refunds
        on order_lines.order_line_id = line_refunds.order_line_id and order_lines.order_id = line_refunds.order_id
    where not coalesce(products.is_gift_card, false)

),

-- Few orders have both a discount to share and a refunded line.
order_totals as (

    select
        priced.order_id,
        cast(sum(priced.gross_amount - priced.discount_amount) as {{ decimal_type(20, 6) }}) as net_amount,
        cast(sum(priced.gross_remainder) as {{ decimal_type(20, 12) }}) as net_remainder
    from priced
    inner join refunded_orders on priced.order_id = refunded_orders.order_id
    where priced.order_discount_amount > 0
    group by priced.order_id

),

sharing_lines as (

    select
        priced.order_id,
        priced.order_line_id,
        priced.order_discount_amount,
        cast(priced.gross_amount - priced.discount_amount as {{ decimal_type(19, 6) }}) as net_amount,
        cast(priced.gross_remainder as {{ decimal_type(19, 12) }}) as net_remainder,
        order_totals.net_amount as order_net_amount,
        order_totals.net_remainder as order_net_remainder
    from priced
    inner join order_totals on priced.order_id = order_totals.order_id
    where
        priced.refunded_amount > 0
        and priced.gross_amount + priced.gross_remainder > priced.discount_amount
        and order_totals.net_amount + order_totals.net_remainder > 0

),

-- A share in cents is found near its estimate by multiplying, as a quotient would be rounded. A line's whole amount is the most.
possible_shares as (

    {% for cents in range(-1, 3) %}
    select
        sharing_lines.*,
        cast({{ estimated_share(
            'order_discount_amount', 'net_amount', 'order_net_amount'
        ) }} + {{ cents }} as {{ decimal_type(16, 0) }}) * cast(0.01 as {{ decimal_type(3, 2) }}) as share_amount
    from sharing_lines
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

refund_shares as (

    select
        order_id,
        order_line_id,
        share_amount,
        {{ is_product_at_least(
            'share_amount', 'order_net_amount', 'order_net_remainder', 'order_discount_amount', 'net_amount', 'net_remainder'
        ) }} as is_enough
    from possible_shares

),

shares as (

    select
        order_id,
        order_line_id,
        min(case when is_enough then share_amount end) as share_amount
    from refund_shares
    group by order_id, order_line_id

),

-- What was paid for a line is asked where it was refunded.
paid as (

    select
        priced.*,
        case
            when priced.refunded_amount is null then null
            when shares.order_line_id is not null and shares.share_amount is null then 0
            else
                greatest(
                    priced.gross_amount + priced.gross_remainder - priced.discount_amount - coalesce(shares.share_amount, 0), 0
                )
        end as paid_amount
    from priced
    left join shares on priced.order_line_id = shares.order_line_id and priced.order_id = shares.order_id

)

select
    order_line_id,
    order_id,
    product_id,
    category,
    gross_amount,
    gross_remainder,
    discount_amount,
    cost,
    cost_remainder,
    is_foreign_cost,
    is_discounted,
    cast(paid_amount as {{ decimal_type(28, 12) }}) as paid_amount,
    coalesce(refunded_amount >= paid_amount, false) as is_fully_refunded
from paid
