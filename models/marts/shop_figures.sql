-- One row for the shop as a whole: what its headline figures and its money mean. Unattributed purchases count too.
with

customers as (

    select
        count(*) as customers,
        sum(case when purchase_count > 0 then 1 else 0 end) as buyers
    from {{ ref('customers') }}

),

purchases as (

    select
        min(purchased_on) as first_purchased_on,
        sum(case when purchased_on > {{ days_ago(365) }} then 1 else 0 end) as purchases_365d,
        sum(case when purchased_on > {{ days_ago(365) }} then net_revenue else 0 end) as net_revenue_365d,
        sum(case when purchased_on between {{ days_ago(729) }} and {{ days_ago(365) }} then 1 else 0 end)
            as purchases_previous_365d,
        sum(case when purchased_on between {{ days_ago(729) }} and {{ days_ago(365) }} then net_revenue else 0 end)
            as net_revenue_previous_365d
    from {{ ref('int_purchases') }}

),

resellers as (

    select count(distinct customer_id) as resellers
    from {{ ref('int_product_purchases') }}
    where is_reseller

)

select
    {{ as_of_date() }} as as_of_date,
    '{{ var("shop_timezone") }}' as shop_timezone,
    '{{ var("reporting_currency") }}' as reporting_currency,
    cast(customers.customers as bigint) as customers,
    cast(coalesce(customers.buyers, 0) as bigint) as buyers,
    purchases.first_purchased_on,
    cast(coalesce(purchases.purchases_365d, 0) as bigint) as purchases_365d,
    cast(coalesce(purchases.net_revenue_365d, 0) as {{ decimal_type(18, 2) }}) as net_revenue_365d,
    cast(coalesce(purchases.purchases_previous_365d, 0) as bigint) as purchases_previous_365d,
    cast(coalesce(purchases.net_revenue_previous_365d, 0) as {{ decimal_type(18, 2) }}) as net_revenue_previous_365d,
    cast(resellers.resellers as bigint) as resellers
from customers
cross join purchases
cross join resellers
