-- One row per calendar month and tenure band: who bought on, stayed away, came back and came for the first time.
-- Live is who bought up to inactive_after_days ago. A month is judged by two moments alone, its opening (the end of the day
-- before) and its closing. A buyer's revenue at a moment is their net revenue of the 365 days up to it.
with

purchases as (

    select * from {{ ref('int_purchase_sequence') }}

),

months as (

    select * from {{ ref('int_months') }}

),

tenure_bands as (

    {% for tenure_band in ['new', 'first_time', 'short', 'mid', 'long'] %}
    select '{{ tenure_band }}' as tenure_band
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- What a purchase changes, and when: it makes its buyer live and counts in their revenue from its date on, keeps them live up
-- to inactive_after_days later, and counts for 365 days. So each buyer has a few changes, whatever the number of months.
changes as (

    select
        customer_id,
        first_purchased_on,
        purchased_on as changed_on,
        1 as purchases,
        1 as live_purchases,
        net_revenue as revenue
    from purchases

    union all

    select
        customer_id,
        first_purchased_on,
        {{ days_after('purchased_on', var('inactive_after_days') + 1) }} as changed_on,
        0 as purchases,
        -1 as live_purchases,
        0 as revenue
    from purchases

    union all

    select
        customer_id,
        first_purchased_on,
        {{ days_after('purchased_on', 365) }} as changed_on,
        0 as purchases,
        0 as live_purchases,
        -net_revenue as revenue
    from purchases

),

monthly_changes as (

    select
        customer_id,
        first_purchased_on,
        {{ month_of('changed_on') }} as month,
        sum(purchases) as purchases,
        sum(live_purchases) as live_purchases,
        sum(revenue) as revenue
    from changes
    where changed_on <= {{ as_of_date() }}
    group by customer_id, first_purchased_on, {{ month_of('changed_on') }}

),

-- How each buyer stands at the closing of a month with a change, and so at the closings up to the next one.
states as (

    select
        monthly_changes.*,
        lead(month) over (partition by customer_id order by month) as next_month,
        sum(purchases) over (
            partition by customer_id order by month rows between unbounded preceding and current row
        ) as closing_purchases,
        sum(live_purchases) over (
            partition by customer_id order by month rows between unbounded preceding and current row
        ) as closing_live_purchases,
        sum(revenue) over (
            partition by customer_id order by month rows between unbounded preceding and current row
        ) as closing_revenue
    from monthly_changes

),

-- One row per buyer and month in which they are live at the opening or at the closing.
buyer_months as (

    select
        months.month,
        months.opened_on,
        states.first_purchased_on,
        months.month = states.month and states.purchases > 0 as has_purchased,
        states.closing_live_purchases > 0 as is_live_at_closing,
        states.closing_revenue,
        case when months.month = states.month then states.closing_purchases - states.purchases else states.closing_purchases end
            as opening_purchases,
        states.closing_live_purchases - case when months.month = states.month then states.live_purchases else 0 end > 0
            as is_live_at_opening,
        states.closing_revenue - case when months.month = states.month then states.revenue else 0 end as opening_revenue
    from states
    inner join months
        on
            states.month <= months.month
            and (states.next_month > months.month or states.next_month is null)
    where months.month = states.month or states.closing_live_purchases > 0

),

banded as (

    select
        buyer_months.*,
        case
            when opening_purchases = 0 then 'new'
            when opening_purchases = 1 then 'first_time'
            when {{ days_between('first_purchased_on', 'opened_on') }} <= 90 then 'short'
            when {{ days_between('first_purchased_on', 'opened_on') }} <= 365 then 'mid'
            else 'long'
        end as tenure_band,
        has_purchased and not is_live_at_opening as has_come
    from buyer_months

),

totals as (

    select
        month,
        tenure_band,

        sum(case when is_live_at_opening then 1 else 0 end) as opening_customers,
        sum(case when has_come and tenure_band = 'new' then 1 else 0 end) as new_customers,
        sum(case when has_come and tenure_band <> 'new' then 1 else 0 end) as returned_customers,
        sum(case when (is_live_at_opening or has_come) and not is_live_at_closing then 1 else 0 end) as churned_customers,
        sum(case when is_live_at_closing then 1 else 0 end) as closing_customers,

        sum(case when is_live_at_opening then opening_revenue else 0 end) as opening_revenue,
        sum(case when has_come and tenure_band = 'new' then closing_revenue else 0 end) as new_revenue,
        sum(case when has_come and tenure_band <> 'new' then closing_revenue else 0 end) as returned_revenue,
        sum(
            case when is_live_at_opening and is_live_at_closing then greatest(closing_revenue - opening_revenue, 0) else 0 end
        ) as expansion_revenue,
        sum(
            case when is_live_at_opening and is_live_at_closing then greatest(opening_revenue - closing_revenue, 0) else 0 end
        ) as contraction_revenue,
        sum(
            case
                when is_live_at_closing then 0
                when is_live_at_opening then opening_revenue
                when has_come then closing_revenue
                else 0
            end
        ) as churned_revenue,
        sum(case when is_live_at_closing then closing_revenue else 0 end) as closing_revenue
    from banded
    group by month, tenure_band

),

grid as (

    select
        months.month,
        months.is_complete,
        tenure_bands.tenure_band,
        cast(coalesce(totals.opening_customers, 0) as bigint) as opening_customers,
        cast(coalesce(totals.new_customers, 0) as bigint) as new_customers,
        cast(coalesce(totals.returned_customers, 0) as bigint) as returned_customers,
        cast(coalesce(totals.churned_customers, 0) as bigint) as churned_customers,
        cast(coalesce(totals.closing_customers, 0) as bigint) as closing_customers,
        cast(coalesce(totals.opening_revenue, 0) as {{ decimal_type(18, 2) }}) as opening_revenue,
        cast(coalesce(totals.new_revenue, 0) as {{ decimal_type(18, 2) }}) as new_revenue,
        cast(coalesce(totals.returned_revenue, 0) as {{ decimal_type(18, 2) }}) as returned_revenue,
        cast(coalesce(totals.expansion_revenue, 0) as {{ decimal_type(18, 2) }}) as expansion_revenue,
        cast(coalesce(totals.contraction_revenue, 0) as {{ decimal_type(18, 2) }}) as contraction_revenue,
        cast(coalesce(totals.churned_revenue, 0) as {{ decimal_type(18, 2) }}) as churned_revenue,
        cast(coalesce(totals.closing_revenue, 0) as {{ decimal_type(18, 2) }}) as closing_revenue
    from months
    cross join tenure_bands
    left join totals on months.month = totals.month and tenure_bands.tenure_band = totals.tenure_band

)

-- A rate of a month still to end would be too low: it is null.
select
    month,
    tenure_band,
    {{ as_of_date() }} as as_of_date,
    is_complete,

    opening_customers,
    new_customers,
    returned_customers,
    churned_customers,
    closing_customers,

    opening_revenue,
    new_revenue,
    returned_revenue,
    expansion_revenue,
    contraction_revenue,
    churned_revenue,
    closing_revenue,

    cast(case when is_complete then {{ quotient('churned_customers', 'opening_customers', 8) }} end as {{ decimal_type(18, 8) }})
        as customer_churn_rate,
    cast(case when is_complete then {{ quotient('churned_revenue', 'opening_revenue', 8) }} end as {{ decimal_type(18, 8) }})
        as revenue_churn_rate,
    cast(
        case when is_complete then {{ quotient('(churned_revenue + contraction_revenue)', 'opening_revenue', 8) }} end
        as {{ decimal_type(18, 8) }}
    ) as revenue_loss_rate
from grid
