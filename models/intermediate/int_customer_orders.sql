-- One row per customer with an order that was not cancelled: what they ordered, paid or not.
with

orders as (

    select * from {{ ref('int_orders') }}
    where is_ordered and customer_id is not null

),

current_sale as (

    select * from {{ ref('int_current_sale') }}

)

select
    orders.customer_id,
    bool_or(orders.ordered_on > {{ days_ago(30) }}) as has_ordered_30d,
    coalesce(bool_or(orders.ordered_on between current_sale.starts_on and current_sale.ends_on), false)
        as has_ordered_in_current_sale
from orders
left join current_sale on true
group by orders.customer_id
