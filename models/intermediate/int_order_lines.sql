-- One row per line of a paid order, with the category and cost that its product has now.
with

orders as (

    select * from {{ ref('int_orders') }}
    where is_paid

),

order_lines as (

    select * from {{ ref('stg_order_lines') }}

),

products as (

    select * from {{ ref('stg_products') }}

),

-- A refund counts for a line only if it names the line's own order.
line_refunds as (

    select
        order_id,
        order_line_id,
        sum(amount) as refunded_amount
    from {{ ref('stg_refunds') }}
    where order_line_id is not null and refunded_on <= {{ as_of_date() }}
    group by order_id, order_line_id

),

-- 19 digits make room for the product: engines keep 18 by 18 digits in 18.
priced as (

    select
        order_lines.order_line_id,
        order_lines.order_id,
        products.category,
        cast(order_lines.quantity as {{ decimal_type(19, 6) }}) * order_lines.unit_price as gross_amount,
        order_lines.discount_amount,
        cast(order_lines.quantity as {{ decimal_type(19, 6) }}) * products.unit_cost as cost,
        order_lines.discount_amount > 0
        or coalesce(order_lines.list_price > order_lines.unit_price, false) as is_discounted,
        line_refunds.refunded_amount
    from order_lines
    inner join orders on order_lines.order_id = orders.order_id
    left join products on order_lines.product_id = products.product_id
    left join line_refunds
        on order_lines.order_line_id = line_refunds.order_line_id and order_lines.order_id = line_refunds.order_id

)

select
    order_line_id,
    order_id,
    category,
    gross_amount,
    discount_amount,
    cost,
    is_discounted,
    coalesce(refunded_amount >= gross_amount - discount_amount, false) as is_fully_refunded
from priced
