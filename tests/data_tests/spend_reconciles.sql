-- What the channels cost is what was spent up to the as-of date, but for the 6 places to which each month and channel is rounded.
-- So is the total, and that of the paid channels.
with

spend as (

    select * from {{ ref('stg_marketing_spend') }}
    where spent_on <= {{ as_of_date() }}

),

rate_dates as (

    select
        spend.currency,
        spend.spent_on,
        max(rates.rated_on) as rated_on
    from spend
    inner join {{ ref('stg_exchange_rates') }} as rates on spend.currency = rates.currency and spend.spent_on >= rates.rated_on
    where spend.currency <> '{{ var("reporting_currency") }}'
    group by spend.currency, spend.spent_on

),

converted as (

    select sum(spend.amount * coalesce(rates.rate, 1)) as spend
    from spend
    left join rate_dates on spend.currency = rate_dates.currency and spend.spent_on = rate_dates.spent_on
    left join {{ ref('stg_exchange_rates') }} as rates
        on rate_dates.currency = rates.currency and rate_dates.rated_on = rates.rated_on

),

acquisition_costs as (

    select
        sum(case when not is_total then spend end) as spend,
        sum(case when channel = 'all' then spend end) as total_spend,
        sum(case when channel = 'paid' then spend end) as paid_spend,
        0.000001 * count(*) as tolerance
    from {{ ref('acquisition_costs') }}

)

select
    converted.spend,
    acquisition_costs.spend as spend_by_channel,
    acquisition_costs.total_spend,
    acquisition_costs.paid_spend
from converted
cross join acquisition_costs
where
    abs(coalesce(converted.spend, 0) - coalesce(acquisition_costs.spend, 0)) > acquisition_costs.tolerance
    or abs(coalesce(converted.spend, 0) - coalesce(acquisition_costs.total_spend, 0)) > acquisition_costs.tolerance
    or abs(coalesce(converted.spend, 0) - coalesce(acquisition_costs.paid_spend, 0)) > acquisition_costs.tolerance
