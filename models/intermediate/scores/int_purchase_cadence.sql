-- One row per buyer: how many days usually lie between their purchase dates, and how many lay between the last two.
with

purchase_dates as (

    select distinct
        customer_id,
        purchased_on
    from {{ ref('int_purchases') }}
    where customer_id is not null

),

gaps as (

    select
        customer_id,
        {{ days_between('lag(purchased_on) over (partition by customer_id order by purchased_on)', 'purchased_on') }}
            as gap_days,
        lead(purchased_on) over (partition by customer_id order by purchased_on) is null as is_last
    from purchase_dates

),

medians as (

    select
        customer_id,
        count(*) as purchase_dates,
        max(case when is_last then gap_days end) as previous_gap_days,
        cast({{ median('gap_days') }} as {{ decimal_type(18, 1) }}) as median_gap_days
    from gaps
    group by customer_id

)

select
    customer_id,
    purchase_dates,
    previous_gap_days,
    {{ expected_gap_days('purchase_dates', 'median_gap_days') }} as expected_gap_days
from medians
