-- Each customer's purchases, counted, numbered and summed, are those that the mart customers knows.
with

totals as (

    select
        customer_id,
        count(*) as purchases,
        max(purchase_number) as last_number,
        sum(net_revenue) as net_revenue,
        sum(gross_margin) as gross_margin,
        min(first_purchased_on) as first_purchased_on
    from {{ ref('purchases') }}
    where customer_id is not null
    group by customer_id

)

select
    customers.customer_id,
    customers.purchase_count,
    totals.purchases,
    totals.last_number
from {{ ref('customers') }} as customers
left join totals on customers.customer_id = totals.customer_id
where
    coalesce(totals.purchases, 0) <> customers.purchase_count
    or coalesce(totals.last_number, 0) <> customers.purchase_count
    or coalesce(totals.net_revenue, 0) <> customers.net_revenue
    -- One unknown margin makes the customer's unknown.
    or coalesce(totals.gross_margin, 0) <> coalesce(customers.gross_margin, totals.gross_margin, 0)
    or totals.first_purchased_on <> customers.first_purchased_on
