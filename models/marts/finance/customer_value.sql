-- One row per customer: what they have been worth, and what the models of future purchases ask for.
-- These count days with a purchase over all time: they are not the frequency and recency of RFM.
with

customers as (

    select * from {{ ref('customers') }}

),

first_purchases as (

    select
        customer_id,
        max(case when purchase_number = 1 then gross_margin end) as first_purchase_margin,
        cast(sum(case when purchased_on = first_purchased_on then net_revenue else 0 end) as {{ decimal_type(18, 2) }})
            as first_day_net_revenue
    from {{ ref('int_purchase_sequence') }}
    group by customer_id

)

select
    customers.customer_id,
    customers.as_of_date,

    customers.purchase_count,
    customers.net_revenue,
    customers.gross_margin,
    customers.gross_margin_estimate,
    customers.margin_known_share,
    customers.average_order_value,
    customers.first_purchased_on,
    customers.last_purchased_on,
    cast(first_purchases.first_purchase_margin as {{ decimal_type(28, 6) }}) as first_purchase_margin,
    {{ months_between('customers.first_purchased_on', 'customers.as_of_date') }} as months_as_buyer,

    case when customers.purchase_count > 0 then customers.purchase_dates - 1 end as repeat_purchase_days,
    {{ days_between('customers.first_purchased_on', 'customers.last_purchased_on') }} as days_first_to_last,
    {{ days_between('customers.first_purchased_on', 'customers.as_of_date') }} as days_first_to_as_of,
    {{ average_amount('(customers.net_revenue - first_purchases.first_day_net_revenue)', '(customers.purchase_dates - 1)') }}
        as revenue_per_repeat_day
from customers
left join first_purchases on customers.customer_id = first_purchases.customer_id
