-- One row per line of a paid order that counts: lines of quantity 0 and of gift cards count in nothing. Category and cost are
-- those that the product has now, unless the line brings its own cost. The remainders are what amounts have beyond 6 places.
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

-- A refund counts for a line only if it names the line's own order, and was not taken back by an amount of 0.
line_refunds as (

    select
        order_id,
        order_line_id,
        sum(amount) as refunded_amount
    from {{ ref('stg_refunds') }}
    where order_line_id is not null and refunded_on <= {{ as_of_date() }} and amount > 0
    group by order_id, order_line_id

),

refunded_orders as (

    select distinct order_id from line_refunds

),

priced as (

    select
        order_lines.order_line_id,
        order_lines.order_id,
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

)

select
    priced.order_line_id,
    priced.order_id,
    priced.category,
    priced.gross_amount,
    priced.gross_remainder,
    priced.discount_amount,
    priced.cost,
    priced.cost_remainder,
    priced.is_foreign_cost,
    priced.is_discounted,
    case
        when priced.refunded_amount is null then false
        when priced.refunded_amount >= priced.gross_amount + priced.gross_remainder - priced.discount_amount then true
        when order_totals.net_amount + order_totals.net_remainder > 0
            then {{ share_reaches(
                'priced.gross_amount + priced.gross_remainder - priced.discount_amount - priced.refunded_amount',
                shared='priced.order_discount_amount',
                part='priced.gross_amount - priced.discount_amount',
                part_remainder='priced.gross_remainder',
                whole='order_totals.net_amount',
                whole_remainder='order_totals.net_remainder'
            ) }}
        else false
    end as is_fully_refunded
from priced
left join order_totals on priced.order_id = order_totals.order_id
