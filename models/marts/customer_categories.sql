-- One row per customer and category bought in the last 365 days, by lines that are not fully refunded.
with

purchases as (

    select * from {{ ref('int_purchases') }}
    where purchased_on > {{ days_ago(365) }} and customer_id is not null

),

purchase_categories as (

    select distinct
        order_id,
        category
    from {{ ref('int_order_lines') }}
    where not is_fully_refunded and category is not null

)

select
    purchases.customer_id,
    {{ as_of_date() }} as as_of_date,
    purchase_categories.category,
    count(*) as purchases_365d
from purchases
inner join purchase_categories on purchases.order_id = purchase_categories.order_id
group by purchases.customer_id, purchase_categories.category
