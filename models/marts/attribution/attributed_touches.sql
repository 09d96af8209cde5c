-- One row per purchase, rule and touch that the rule gives a weight: what it gives. A purchase without a touch has one row
-- per rule, of the channel `none`.
with

-- Revenue in cents, margin in millionths: its last place.
purchases as (

    select
        order_id,
        customer_id,
        purchased_at,
        purchased_on,
        cast(net_revenue * 100 as {{ decimal_type(18, 0) }}) as cents,
        cast(gross_margin * 1000000 as {{ decimal_type(28, 0) }}) as millionths
    from {{ ref('int_purchases') }}

),

touches as (

    select * from {{ ref('int_touches') }}
    where customer_id is not null

),

touches_before as (

    select
        purchases.order_id,
        purchases.customer_id,
        purchases.purchased_on,
        purchases.cents,
        purchases.millionths,
        touches.touch_kind,
        touches.touch_id,
        coalesce(touches.channel, 'none') as channel,
        touches.campaign_id,
        touches.touched_at,
        {{ days_between('touches.touched_on', 'purchases.purchased_on') }} as days_before,
        case when touches.is_direct then 1 else 0 end as directness,
        min(case when touches.is_direct then 1 else 0 end) over (partition by purchases.order_id) as least_directness
    from purchases
    left join touches
        on
            purchases.customer_id = touches.customer_id
            and {{ is_touch_before('touches', 'purchases', var('attribution_window_days')) }}

),

-- Direct touches count where there are no others.
ordered as (

    select
        touches_before.*,
        count(*) over (partition by order_id) as touches,
        row_number() over (partition by order_id order by {{ touch_order() }}) as touch_number,
        min(days_before) over (partition by order_id) as least_days_before
    from touches_before
    where directness = least_directness

),

-- In whole units, as a sum of doubles depends on its order. The last touch has 2 ^ 50.
decayed as (

    select
        ordered.*,
        cast(round(power(
            cast(2 as {{ double_type() }}),
            50
            - coalesce(days_before - least_days_before, 0)
            / cast({{ var('attribution_half_life_days') }} as {{ double_type() }})
        )) as bigint) as decay
    from ordered

),

-- Asked per number of touches: purchases are many times as many.
equal_weights as (

    select
        touches,
        {{ quotient(1, 'touches', 8) }} as equal_weight,
        {{ quotient(0.2, '(touches - 2)', 8) }} as middle_weight
    from (
        select distinct touches
        from ordered
    ) as counts

),

decay_weights as (

    select
        decayed.*,
        case when touches > 1 then {{ quotient('decay', 'total_decay', 8) }} else 1 end as decay_weight
    from (
        select
            decayed.*,
            sum(decay) over (partition by order_id) as total_decay
        from decayed
    ) as decayed

),

rules as (

    {% for rule in attribution_rules() %}
    select '{{ rule }}' as rule
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

weighted as (

    select
        decay_weights.*,
        rules.rule,
        case when rules.rule in ('last_touch', 'first_touch') then 1 else decay_weights.touches end as parts,
        cast(
            case
                when decay_weights.touches = 1 or rules.rule in ('last_touch', 'first_touch') then 1
                when rules.rule = 'linear' or (rules.rule = 'position_based' and decay_weights.touches = 2)
                    then equal_weights.equal_weight
                when rules.rule = 'position_based' and decay_weights.touch_number in (1, decay_weights.touches) then 0.4
                when rules.rule = 'position_based' then equal_weights.middle_weight
                else decay_weights.decay_weight
            end as {{ decimal_type(9, 8) }}
        ) as weight
    from decay_weights
    inner join equal_weights on decay_weights.touches = equal_weights.touches
    cross join rules
    where
        (rules.rule <> 'last_touch' or decay_weights.touch_number = decay_weights.touches)
        and (rules.rule <> 'first_touch' or decay_weights.touch_number = 1)

),

rounded_down as (

    select
        weighted.*,
        floor(weight * cents) as cents_down,
        weight * cents - floor(weight * cents) as cents_remainder,
        floor(weight * millionths) as millionths_down,
        weight * millionths - floor(weight * millionths) as millionths_remainder
    from weighted
    where parts > 1

),

remaining as (

    select
        rounded_down.*,
        cents - sum(cents_down) over (partition by order_id, rule) as cents_left,
        row_number() over (partition by order_id, rule order by cents_remainder desc, touch_number desc) as cents_place,
        millionths - sum(millionths_down) over (partition by order_id, rule) as millionths_left,
        row_number() over (partition by order_id, rule order by millionths_remainder desc, touch_number desc) as millionths_place
    from rounded_down

),

{%- set columns = [
    'order_id', 'customer_id', 'purchased_on', 'rule', 'touch_kind', 'touch_id', 'channel', 'campaign_id', 'touched_at'
] %}

credits as (

    select
        {{ columns | join(',\n        ') }},
        weight,
        cents,
        millionths
    from weighted
    where parts = 1

    union all

    select
        {{ columns | join(',\n        ') }},
        weight,
        cents_down + {{ units_of_remainder('cents_left', 'cents_place', 'parts') }} as cents,
        millionths_down + {{ units_of_remainder('millionths_left', 'millionths_place', 'parts') }} as millionths
    from remaining

)

select
    {{ columns | join(',\n    ') }},
    {{ as_of_date() }} as as_of_date,
    cast(weight as {{ decimal_type(18, 8) }}) as weight,
    cast(0.01 * cents as {{ decimal_type(18, 2) }}) as net_revenue,
    cast(0.000001 * millionths as {{ decimal_type(28, 6) }}) as gross_margin
from credits
