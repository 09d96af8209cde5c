-- A month opens as the one before it closed, in customers and in revenue; the first one opens empty.
with

months as (

    select
        month,
        sum(opening_customers) as opening_customers,
        sum(closing_customers) as closing_customers,
        sum(opening_revenue) as opening_revenue,
        sum(closing_revenue) as closing_revenue
    from {{ ref('churn_monthly') }}
    group by month

),

neighbours as (

    select
        months.*,
        lag(closing_customers) over (order by month) as former_closing_customers,
        lag(closing_revenue) over (order by month) as former_closing_revenue
    from months

)

select *
from neighbours
where
    opening_customers <> coalesce(former_closing_customers, 0)
    or opening_revenue <> coalesce(former_closing_revenue, 0)
