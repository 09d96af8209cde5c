-- Under each rule the touches of a purchase add up to it, and the channels of a month to its purchases: money to its last
-- place, weights but for the 8th place of each.
with

purchases as (

    select * from {{ ref('purchases') }}

),

touches as (

    select * from {{ ref('attributed_touches') }}

),

by_purchase as (

    select
        order_id,
        rule,
        sum(weight) as purchases,
        sum(net_revenue) as net_revenue,
        sum(gross_margin) as gross_margin,
        count(*) as touches
    from touches
    group by order_id, rule

),

rules_by_purchase as (

    select
        purchases.order_id,
        count(by_purchase.rule) as rules
    from purchases
    left join by_purchase
        on
            purchases.order_id = by_purchase.order_id
            and purchases.net_revenue = by_purchase.net_revenue
            and coalesce(purchases.gross_margin, 0) = coalesce(by_purchase.gross_margin, 0)
            and (purchases.gross_margin is null) = (by_purchase.gross_margin is null)
            and abs(by_purchase.purchases - 1) <= 0.00000001 * by_purchase.touches
    group by purchases.order_id

),

by_month as (

    select
        {{ month_of('purchased_on') }} as month,
        count(*) as purchases,
        sum(case when buyer_type = 'new' then 1 else 0 end) as new_buyer_purchases,
        sum(net_revenue) as net_revenue
    from purchases
    group by {{ month_of('purchased_on') }}

),

-- More than a month and rule can have.
tolerance as (

    select 0.00000001 * count(*) as weight from touches

),

channels_by_month as (

    select
        month,
        rule,
        sum(purchases) as purchases,
        sum(new_buyer_purchases) as new_buyer_purchases,
        sum(net_revenue) as net_revenue
    from {{ ref('channel_performance') }}
    group by month, rule

)

select 'the purchase ' || order_id as what
from rules_by_purchase
where rules <> {{ attribution_rules() | length }}

union all

select channels_by_month.rule as what
from channels_by_month
left join by_month on channels_by_month.month = by_month.month
cross join tolerance
where
    channels_by_month.net_revenue <> coalesce(by_month.net_revenue, 0)
    or abs(channels_by_month.purchases - coalesce(by_month.purchases, 0)) > tolerance.weight
    or abs(channels_by_month.new_buyer_purchases - coalesce(by_month.new_buyer_purchases, 0)) > tolerance.weight
