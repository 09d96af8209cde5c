-- A month has the same new buyers, and the same revenue of theirs in it, in each mart that tells of them.
with

first_purchases as (

    select
        {{ month_of('purchased_on') }} as month,
        count(*) as new_buyers
    from {{ ref('purchases') }}
    where purchase_number = 1
    group by {{ month_of('purchased_on') }}

),

by_channel as (

    select
        month,
        sum(case when not is_total then new_buyers else 0 end) as new_buyers,
        sum(case when channel = 'all' then new_buyers else 0 end) as all_new_buyers
    from {{ ref('acquisition_costs') }}
    group by month

),

by_type as (

    select * from {{ ref('revenue_by_buyer_type') }}
    where buyer_type = 'new'

),

band as (

    select * from {{ ref('churn_monthly') }}
    where tenure_band = 'new'

),

cohorts as (

    select * from {{ ref('cohort_retention') }}
    where months_since = 0

)

select
    by_type.month,
    first_purchases.new_buyers,
    by_channel.new_buyers as new_buyers_by_channel,
    by_channel.all_new_buyers,
    by_type.buyers as new_buyers_by_type,
    band.new_customers as new_buyers_by_band,
    cohorts.customers as new_buyers_by_cohort
from by_type
left join first_purchases on by_type.month = first_purchases.month
left join by_channel on by_type.month = by_channel.month
left join band on by_type.month = band.month
left join cohorts on by_type.month = cohorts.cohort_month
where
    by_type.buyers <> coalesce(first_purchases.new_buyers, 0)
    or by_type.buyers <> coalesce(by_channel.new_buyers, 0)
    or by_type.buyers <> coalesce(by_channel.all_new_buyers, 0)
    or by_type.buyers <> coalesce(band.new_customers, 0)
    or by_type.buyers <> coalesce(cohorts.customers, 0)
    or by_type.net_revenue <> coalesce(band.new_revenue, 0)
    or by_type.net_revenue <> coalesce(cohorts.net_revenue, 0)
