-- One row per tenure band of the buyers who were live at the opening or at the closing of the as-of date's month.
with

buyers as (

    select
        customer_id,
        {{ days_after(month_of(as_of_date()), -1) }} as opened_on,
        min(purchased_on) as first_purchased_on,
        max(purchased_on) as last_purchased_on,
        max(case when purchased_on < {{ month_of(as_of_date()) }} then purchased_on end) as last_purchased_before_on,
        sum(case when purchased_on < {{ month_of(as_of_date()) }} then 1 else 0 end) as purchases_before
    from {{ ref('purchases') }}
    where customer_id is not null
    group by customer_id

),

moments as (

    select
        case
            when purchases_before = 0 then 'new'
            when purchases_before = 1 then 'first_time'
            when {{ days_between('first_purchased_on', 'opened_on') }} <= 90 then 'short'
            when {{ days_between('first_purchased_on', 'opened_on') }} <= 365 then 'mid'
            else 'long'
        end as tenure_band,
        coalesce({{ days_between('last_purchased_before_on', 'opened_on') }} <= {{ var('inactive_after_days') }}, false)
            as is_live_at_opening,
        {{ days_between('last_purchased_on', as_of_date()) }} <= {{ var('inactive_after_days') }} as is_live_at_closing
    from buyers

)

select
    {{ month_of(as_of_date()) }} as month,
    tenure_band,
    sum(case when is_live_at_opening then 1 else 0 end) as opening_customers,
    sum(case when is_live_at_closing and tenure_band = 'new' then 1 else 0 end) as new_customers,
    sum(case when is_live_at_closing and not is_live_at_opening and tenure_band <> 'new' then 1 else 0 end) as returned_customers,
    sum(case when is_live_at_opening and not is_live_at_closing then 1 else 0 end) as churned_customers,
    sum(case when is_live_at_closing then 1 else 0 end) as closing_customers
from moments
where is_live_at_opening or is_live_at_closing
group by tenure_band
order by tenure_band asc
