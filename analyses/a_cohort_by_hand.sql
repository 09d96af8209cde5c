-- One row per month with a purchase of the customers whose first purchase was in the month a year before the as-of date.
with

purchases as (

    select
        customer_id,
        {{ month_of('first_purchased_on') }} as cohort_month,
        {{ month_of('purchased_on') }} as month,
        net_revenue
    from {{ ref('purchases') }}
    where customer_id is not null

),

months as (

    select
        cohort_month,
        month,
        count(distinct customer_id) as customers_with_purchase,
        sum(net_revenue) as net_revenue
    from purchases
    where cohort_month = {{ month_of(months_ago(12)) }}
    group by cohort_month, month

)

-- Everybody of a cohort bought in its first month.
select
    cohort_month,
    {{ months_between('cohort_month', 'month') }} as months_since,
    first_value(customers_with_purchase) over (order by month rows between unbounded preceding and current row) as customers,
    customers_with_purchase,
    1.0 * customers_with_purchase / first_value(customers_with_purchase) over (
        order by month rows between unbounded preceding and current row
    ) as retention_rate,
    net_revenue
from months
order by months_since asc
