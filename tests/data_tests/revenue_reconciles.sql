-- The customers' purchases and net revenue are the shop's, less the unattributed purchases.
with

customers as (

    select
        sum(purchase_count) as purchases,
        sum(net_revenue) as net_revenue
    from {{ ref('customers') }}

),

purchases as (

    select
        count(*) as purchases,
        sum(net_revenue) as net_revenue
    from {{ ref('int_purchases') }}
    where customer_id is not null

)

select
    customers.purchases,
    purchases.purchases as shop_purchases,
    customers.net_revenue,
    purchases.net_revenue as shop_net_revenue
from customers
cross join purchases
where
    coalesce(customers.purchases, 0) <> purchases.purchases
    or coalesce(customers.net_revenue, 0) <> coalesce(purchases.net_revenue, 0)
