-- One row per month of first purchase (cohort) and calendar month since.
with

months as (

    select * from {{ ref('int_months') }}

),

customer_months as (

    select * from {{ ref('int_customer_months') }}

),

cohorts as (

    select
        cohort_month,
        count(*) as customers
    from customer_months
    where buyer_type = 'new'
    group by cohort_month

),

totals as (

    select
        cohort_month,
        month,
        count(*) as customers_with_purchase,
        sum(net_revenue) as net_revenue,
        sum(costed_net_revenue) as costed_net_revenue,
        sum(costed_gross_margin) as costed_gross_margin
    from customer_months
    group by cohort_month, month

),

-- A month in which nobody of the cohort bought has a row too.
grid as (

    select
        cohorts.cohort_month,
        cohorts.customers,
        months.month,
        months.is_complete,
        coalesce(totals.customers_with_purchase, 0) as customers_with_purchase,
        coalesce(totals.net_revenue, 0) as net_revenue,
        coalesce(totals.costed_net_revenue, 0) as costed_net_revenue,
        coalesce(totals.costed_gross_margin, 0) as costed_gross_margin
    from cohorts
    inner join months on cohorts.cohort_month <= months.month
    left join totals on cohorts.cohort_month = totals.cohort_month and months.month = totals.month

),

cumulated as (

    select
        grid.*,
        sum(net_revenue) over (
            partition by cohort_month order by month rows between unbounded preceding and current row
        ) as net_revenue_so_far,
        sum(costed_net_revenue) over (
            partition by cohort_month order by month rows between unbounded preceding and current row
        ) as costed_net_revenue_so_far,
        sum(costed_gross_margin) over (
            partition by cohort_month order by month rows between unbounded preceding and current row
        ) as costed_gross_margin_so_far
    from grid

),

margins as (

    select
        cumulated.*,
        {{ group_margin('net_revenue', 'costed_net_revenue', 'costed_gross_margin') }} as gross_margin,
        {{ group_margin('net_revenue_so_far', 'costed_net_revenue_so_far', 'costed_gross_margin_so_far') }}
            as gross_margin_so_far
    from cumulated

)

-- What a month still to end would make look too low is null in it.
select
    cohort_month,
    {{ months_between('cohort_month', 'month') }} as months_since,
    month,
    {{ as_of_date() }} as as_of_date,
    is_complete,
    cast(customers as bigint) as customers,
    cast(customers_with_purchase as bigint) as customers_with_purchase,
    cast(
        case when is_complete or month = cohort_month then {{ quotient('customers_with_purchase', 'customers', 8) }} end
        as {{ decimal_type(18, 8) }}
    ) as retention_rate,
    cast(net_revenue as {{ decimal_type(18, 2) }}) as net_revenue,
    gross_margin,
    cast(case when is_complete then {{ average_amount('net_revenue_so_far', 'customers') }} end as {{ decimal_type(18, 6) }})
        as cumulative_net_revenue_per_customer,
    cast(case when is_complete then {{ average_amount('gross_margin_so_far', 'customers') }} end as {{ decimal_type(18, 6) }})
        as cumulative_gross_margin_per_customer
from margins
