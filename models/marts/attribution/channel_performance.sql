-- One row per calendar month of purchase, channel and rule with a purchase or spend.
with

touches as (

    select * from {{ ref('attributed_touches') }}

),

purchases as (

    select * from {{ ref('purchases') }}

),

rates as (

    select * from {{ ref('int_exchange_rates') }}

),

spend_rows as (

    select * from {{ ref('stg_marketing_spend') }}
    where spent_on <= {{ as_of_date() }}

),

-- A shop that delivers no spend has not spent 0.
shop_spend as (

    select count(*) > 0 as is_known from spend_rows

),

spend as (

    select
        {{ month_of('spend_rows.spent_on') }} as month,
        spend_rows.channel,
        cast(round(sum({{ converted_spend() }}), 6) as {{ decimal_type(28, 6) }}) as spend
    from spend_rows
    left join rates
        on
            spend_rows.currency = rates.currency
            and {{ rate_holds_on('spend_rows.spent_on') }}
    group by {{ month_of('spend_rows.spent_on') }}, spend_rows.channel

),

rules as (

    {% for rule in attribution_rules() %}
    select '{{ rule }}' as rule
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- The same under each rule.
spend_by_rule as (

    select
        spend.month,
        spend.channel,
        rules.rule,
        spend.spend
    from spend
    cross join rules

),

credits as (

    select
        {{ month_of('touches.purchased_on') }} as month,
        touches.channel,
        touches.rule,
        sum(touches.weight) as purchases,
        sum(case when purchases.buyer_type = 'new' then touches.weight else 0 end) as new_buyer_purchases,
        sum(touches.net_revenue) as net_revenue,
        count(*) = count(touches.gross_margin) as is_margin_known,
        sum(case when touches.gross_margin is not null then touches.net_revenue else 0 end) as costed_net_revenue,
        sum(coalesce(touches.gross_margin, 0)) as costed_gross_margin
    from touches
    inner join purchases on touches.order_id = purchases.order_id
    group by {{ month_of('touches.purchased_on') }}, touches.channel, touches.rule

),

-- A touch may have a share of a cent, that is none: its margin is unknown nevertheless.
credits_with_margin as (

    select
        credits.*,
        case
            when is_margin_known then costed_gross_margin
            when {{ var('min_known_cost_share') }} < 1 and costed_net_revenue > 0
                then {{ group_margin('net_revenue', 'costed_net_revenue', 'costed_gross_margin') }}
        end as gross_margin
    from credits

),

performance as (

    select
        coalesce(credits_with_margin.month, spend_by_rule.month) as month,
        coalesce(credits_with_margin.channel, spend_by_rule.channel) as channel,
        coalesce(credits_with_margin.rule, spend_by_rule.rule) as rule,
        coalesce(credits_with_margin.purchases, 0) as purchases,
        coalesce(credits_with_margin.new_buyer_purchases, 0) as new_buyer_purchases,
        coalesce(credits_with_margin.net_revenue, 0) as net_revenue,
        case when credits_with_margin.month is null then 0 else credits_with_margin.gross_margin end as gross_margin,
        case when shop_spend.is_known then coalesce(spend_by_rule.spend, 0) end as spend
    from credits_with_margin
    full outer join spend_by_rule
        on
            credits_with_margin.month = spend_by_rule.month
            and credits_with_margin.channel = spend_by_rule.channel
            and credits_with_margin.rule = spend_by_rule.rule
    cross join shop_spend

)

select
    month,
    channel,
    rule,
    {{ as_of_date() }} as as_of_date,
    cast(purchases as {{ decimal_type(18, 8) }}) as purchases,
    cast(new_buyer_purchases as {{ decimal_type(18, 8) }}) as new_buyer_purchases,
    cast(net_revenue as {{ decimal_type(18, 2) }}) as net_revenue,
    cast(gross_margin as {{ decimal_type(28, 6) }}) as gross_margin,
    cast(spend as {{ decimal_type(28, 6) }}) as spend,
    {{ quotient('net_revenue', 'spend', 8, digits=28) }} as return_on_ad_spend
from performance
