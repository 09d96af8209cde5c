-- One row per buyer: what came when, between their first purchases and since their last, and the products that they bought last.
with

purchases as (

    select * from {{ ref('int_purchase_sequence') }}

),

-- Lines that are not fully refunded, of products that the catalogue has.
product_purchases as (

    select
        purchases.customer_id,
        order_lines.product_id,
        max(purchases.purchased_at) as last_purchased_at
    from {{ ref('int_order_lines') }} as order_lines
    inner join purchases on order_lines.order_id = purchases.order_id
    where order_lines.product_id is not null and not order_lines.is_fully_refunded
    group by purchases.customer_id, order_lines.product_id

),

ranked_products as (

    select
        customer_id,
        product_id,
        row_number() over (
            partition by customer_id order by last_purchased_at desc, {{ binary_collation('product_id') }}
        ) as recency_rank
    from product_purchases

),

last_products as (

    select
        customer_id,
        max(case when recency_rank = 1 then product_id end)
        || coalesce(', ' || max(case when recency_rank = 2 then product_id end), '')
        || coalesce(', ' || max(case when recency_rank = 3 then product_id end), '') as last_three_products
    from ranked_products
    where recency_rank <= 3
    group by customer_id

),

days as (

    select
        customer_id,
        max(delivered_on) as last_delivered_on,
        -- From the delivery of the last purchase, where it is known.
        max(case when next_purchased_on is null then {{ days_between('coalesce(delivered_on, purchased_on)', as_of_date()) }} end)
            as days_since_receipt,
        max(case when purchase_number = 1 then {{ days_between('purchased_on', 'next_purchased_on') }} end)
            as days_to_second_purchase
    from purchases
    group by customer_id

)

select
    days.customer_id,
    days.last_delivered_on,
    days.days_since_receipt,
    days.days_to_second_purchase,
    last_products.last_three_products
from days
left join last_products on days.customer_id = last_products.customer_id
