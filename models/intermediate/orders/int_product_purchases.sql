-- One row per purchase of a customer and product of the catalogue in it, with the days since the buyer bought it before. What was
-- fully refunded is not kept, and ends no gap.
with

purchases as (

    select * from {{ ref('int_purchases') }}
    where customer_id is not null

),

order_products as (

    select
        order_id,
        product_id,
        category,
        {{ dbt.bool_or("not is_fully_refunded") }} as is_kept
    from {{ ref('int_order_lines') }}
    where product_id is not null
    group by order_id, product_id, category

),

product_purchases as (

    select
        purchases.customer_id,
        purchases.order_id,
        purchases.purchased_on,
        order_products.product_id,
        order_products.category,
        order_products.is_kept
    from purchases
    inner join order_products on purchases.order_id = order_products.order_id

),

held_products as (

    select distinct
        customer_id,
        product_id
    from product_purchases
    where is_kept and purchased_on > {{ days_ago(365) }}

),

resellers as (

    select customer_id
    from held_products
    group by customer_id
    having count(*) > {{ var('affinity_max_products') }}

)

-- Two purchases of one date are one purchase date, and no gap.
select
    product_purchases.customer_id,
    product_purchases.order_id,
    product_purchases.purchased_on,
    product_purchases.product_id,
    product_purchases.category,
    product_purchases.is_kept,
    case
        when product_purchases.is_kept
            then nullif({{ days_between(
                'lag(product_purchases.purchased_on) over (partition by product_purchases.customer_id,'
                ~ ' product_purchases.product_id, product_purchases.is_kept order by product_purchases.purchased_on)',
                'product_purchases.purchased_on'
            ) }}, 0)
    end as gap_days,
    resellers.customer_id is not null as is_reseller
from product_purchases
left join resellers on product_purchases.customer_id = resellers.customer_id
