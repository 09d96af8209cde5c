-- One row per customer with an order that was not cancelled: what they ordered, paid or not.
with

orders as (

    select * from {{ ref('int_orders') }}
    where is_ordered and customer_id is not null

),

current_sale as (

    select * from {{ ref('int_current_sale') }}

),

last_open_carts as (

    select * from {{ ref('int_last_open_carts') }}

)

select
    orders.customer_id,
    {{ dbt.bool_or("orders.ordered_on > " ~ days_ago(30)) }} as has_ordered_30d,
    coalesce({{ dbt.bool_or("orders.ordered_on between current_sale.starts_on and current_sale.ends_on") }}, false)
        as has_ordered_in_current_sale,
    coalesce({{ dbt.bool_or("orders.ordered_at >= last_open_carts.first_added_to_cart_at") }}, false)
        as has_ordered_since_last_open_cart
from orders
left join current_sale on true
left join last_open_carts on orders.customer_id = last_open_carts.customer_id
group by orders.customer_id
