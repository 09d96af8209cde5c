-- One row per calendar month and channel with spend or new buyers, and of all and of the paid ones together: what these buyers
-- cost, and what they brought.
with

rates as (

    select * from {{ ref('int_exchange_rates') }}

),

spend_rows as (

    select * from {{ ref('stg_marketing_spend') }}
    where spent_on <= {{ as_of_date() }}

),

channel_spend as (

    select
        {{ month_of('spend_rows.spent_on') }} as month,
        {{ real_channel('spend_rows.channel') }} as channel,
        sum({{ converted_spend() }}) as spend
    from spend_rows
    left join rates
        on
            spend_rows.currency = rates.currency
            and {{ rate_holds_on('spend_rows.spent_on') }}
    group by {{ month_of('spend_rows.spent_on') }}, {{ real_channel('spend_rows.channel') }}

),

-- A shop that delivers no spend has not spent 0.
shop_spend as (

    select count(*) > 0 as is_known from spend_rows

),

customers as (

    select
        customer_id,
        {{ real_channel("coalesce(acquisition_channel, 'unknown')") }} as channel
    from {{ ref('int_customers') }}

),

purchases as (

    select * from {{ ref('int_purchase_sequence') }}

),

-- Whole months count from each buyer's own first purchase, so that the youngest have had as long as the oldest.
channel_cohorts as (

    select
        {{ month_of('purchases.first_purchased_on') }} as month,
        customers.channel,
        {{ months_between('purchases.first_purchased_on', 'purchases.purchased_on') }} as months_since,
        sum(case when purchases.purchase_number = 1 then 1 else 0 end) as new_buyers,
        sum(purchases.net_revenue) as net_revenue,
        sum(case when purchases.gross_margin is not null then purchases.net_revenue else 0 end) as costed_net_revenue,
        sum(coalesce(purchases.gross_margin, 0)) as costed_gross_margin
    from purchases
    inner join customers on purchases.customer_id = customers.customer_id
    group by
        {{ month_of('purchases.first_purchased_on') }},
        customers.channel,
        {{ months_between('purchases.first_purchased_on', 'purchases.purchased_on') }}

),

spend_and_cohorts as (

    select
        month,
        channel
    from channel_spend

    union all

    select
        month,
        channel
    from channel_cohorts

),

months_and_channels as (

    select distinct
        month,
        channel
    from spend_and_cohorts

),

months as (

    select distinct
        month,
        least({{ dbt.last_day('month', 'month') }}, {{ as_of_date() }}) as closed_on
    from months_and_channels

),

paid_dates as (

    select distinct
        spent_on,
        {{ real_channel('channel') }} as channel
    from spend_rows
    where amount > 0

),

-- Paid are the channels with spend in the 365 days up to the month's last day, or up to the as-of date while it has not ended.
paid_channels as (

    select distinct
        months.month,
        paid_dates.channel
    from months
    inner join paid_dates
        on
            months.closed_on >= paid_dates.spent_on
            and {{ days_after('paid_dates.spent_on', 365) }} > months.closed_on

),

-- Whose figures a row holds: those of one channel, of all, or of the paid ones.
members as (

    select
        month,
        channel,
        channel as member_channel
    from months_and_channels

    union all

    select
        month,
        'all' as channel,
        channel as member_channel
    from months_and_channels

    union all

    select
        months_and_channels.month,
        'paid' as channel,
        months_and_channels.channel as member_channel
    from months_and_channels
    inner join paid_channels
        on months_and_channels.month = paid_channels.month and months_and_channels.channel = paid_channels.channel

),

spend as (

    select
        members.month,
        members.channel,
        cast(round(sum(channel_spend.spend), 6) as {{ decimal_type(28, 6) }}) as spend
    from members
    inner join channel_spend on members.month = channel_spend.month and members.member_channel = channel_spend.channel
    group by members.month, members.channel

),

cohort_months as (

    select
        members.month,
        members.channel,
        channel_cohorts.months_since,
        sum(channel_cohorts.new_buyers) as new_buyers,
        sum(channel_cohorts.net_revenue) as net_revenue,
        sum(channel_cohorts.costed_net_revenue) as costed_net_revenue,
        sum(channel_cohorts.costed_gross_margin) as costed_gross_margin
    from members
    inner join channel_cohorts on members.month = channel_cohorts.month and members.member_channel = channel_cohorts.channel
    group by members.month, members.channel, channel_cohorts.months_since

),

-- Only months that even the last day of the cohort's month has behind it.
seen_months as (

    select
        cohort_months.*,
        sum(net_revenue) over (
            partition by month, channel order by months_since rows between unbounded preceding and current row
        ) as net_revenue_so_far,
        sum(costed_net_revenue) over (
            partition by month, channel order by months_since rows between unbounded preceding and current row
        ) as costed_net_revenue_so_far,
        sum(costed_gross_margin) over (
            partition by month, channel order by months_since rows between unbounded preceding and current row
        ) as costed_gross_margin_so_far
    from cohort_months
    where months_since < {{ months_between(dbt.last_day('month', 'month'), as_of_date()) }}

),

margins as (

    select
        month,
        channel,
        months_since,
        {{ group_margin('net_revenue_so_far', 'costed_net_revenue_so_far', 'costed_gross_margin_so_far') }}
            as gross_margin_so_far
    from seen_months

),

new_buyers as (

    select
        month,
        channel,
        sum(new_buyers) as new_buyers,
        sum(case when months_since < 12 then net_revenue else 0 end) as net_revenue_12m,
        sum(case when months_since < 12 then costed_net_revenue else 0 end) as costed_net_revenue_12m,
        sum(case when months_since < 12 then costed_gross_margin else 0 end) as costed_gross_margin_12m
    from cohort_months
    group by month, channel

),

acquisitions as (

    select
        coalesce(spend.month, new_buyers.month) as month,
        coalesce(spend.channel, new_buyers.channel) as channel,
        case when shop_spend.is_known then coalesce(spend.spend, 0) end as spend,
        coalesce(new_buyers.new_buyers, 0) as new_buyers,
        new_buyers.net_revenue_12m,
        new_buyers.costed_net_revenue_12m,
        {{ group_margin(
            'new_buyers.net_revenue_12m', 'new_buyers.costed_net_revenue_12m', 'new_buyers.costed_gross_margin_12m'
        ) }} as gross_margin_12m
    from spend
    full outer join new_buyers on spend.month = new_buyers.month and spend.channel = new_buyers.channel
    cross join shop_spend

),

paybacks as (

    select
        acquisitions.month,
        acquisitions.channel,
        min(margins.months_since + 1) as payback_months
    from acquisitions
    inner join margins on acquisitions.month = margins.month and acquisitions.channel = margins.channel
    where margins.gross_margin_so_far >= acquisitions.spend
    group by acquisitions.month, acquisitions.channel

),

aged as (

    select
        acquisitions.*,
        {{ dbt.last_day('acquisitions.month', 'month') }} <= {{ as_of_date() }} as is_complete,
        {{ months_between(dbt.last_day('acquisitions.month', 'month'), as_of_date()) }} >= 12 as is_12_months_old,
        case when acquisitions.new_buyers > 0 and acquisitions.spend = 0 then 0 else paybacks.payback_months end
            as payback_months
    from acquisitions
    left join paybacks on acquisitions.month = paybacks.month and acquisitions.channel = paybacks.channel

)

select
    month,
    channel,
    channel in ('all', 'paid') as is_total,
    {{ as_of_date() }} as as_of_date,
    is_complete,
    cast(spend as {{ decimal_type(28, 6) }}) as spend,
    cast(new_buyers as bigint) as new_buyers,
    {{ average_amount('spend', 'new_buyers') }} as acquisition_cost,
    is_12_months_old,
    cast(
        case when is_12_months_old then {{ quotient('costed_net_revenue_12m', 'net_revenue_12m', 8) }} end
        as {{ decimal_type(18, 8) }}
    ) as known_cost_share_12m,
    cast(
        case when is_12_months_old then {{ average_amount('gross_margin_12m', 'new_buyers') }} end as {{ decimal_type(18, 6) }}
    ) as gross_margin_12m_per_new_buyer,
    cast(
        case when is_12_months_old then {{ quotient('gross_margin_12m', 'spend', 8, digits=28) }} end as {{ decimal_type(28, 8) }}
    ) as gross_margin_12m_to_acquisition_cost,
    cast(payback_months as integer) as payback_months
from aged
