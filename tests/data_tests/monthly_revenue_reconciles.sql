-- A month's revenue is the same by buyer type, by cohort and by purchase. Its shares make a whole, but for the 8th place.
with

purchases as (

    select
        {{ month_of('purchased_on') }} as month,
        count(*) as purchases,
        sum(net_revenue) as net_revenue
    from {{ ref('purchases') }}
    where customer_id is not null
    group by {{ month_of('purchased_on') }}

),

cohorts as (

    select
        month,
        sum(net_revenue) as net_revenue
    from {{ ref('cohort_retention') }}
    group by month

),

by_type as (

    select
        month,
        sum(purchases) as purchases,
        sum(net_revenue) as net_revenue,
        sum(share_of_net_revenue) as share_total
    from {{ ref('revenue_by_buyer_type') }}
    group by month

)

select
    coalesce(purchases.month, by_type.month) as month,
    purchases.net_revenue,
    by_type.net_revenue as net_revenue_by_type,
    cohorts.net_revenue as net_revenue_by_cohort,
    by_type.share_total
from purchases
full outer join by_type on purchases.month = by_type.month
left join cohorts on by_type.month = cohorts.month
where
    by_type.month is null
    or coalesce(purchases.purchases, 0) <> by_type.purchases
    or coalesce(purchases.net_revenue, 0) <> by_type.net_revenue
    or coalesce(cohorts.net_revenue, 0) <> by_type.net_revenue
    or abs(by_type.share_total - 1) > 0.00000001
    or (by_type.share_total is null) <> (by_type.net_revenue = 0)
