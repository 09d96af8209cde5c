-- One row per segment, empty ones included, with what it means and how many customers it holds.
with

register as (

    {% for segment in var('segments') %}
    select
        {{ loop.index }} as position,
        '{{ segment.name }}' as segment,
        {{ text_literal(segment.title) }} as title,
        {{ text_literal(segment.group or 'Our own') }} as segment_group,
        {{ text_literal(segment.definition) }} as definition,
        {{ text_literal(segment.goal) }} as marketing_goal,
        nullif({{ text_literal(segment.watch_out or '') }}, '') as watch_out
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

shop as (

    select
        coalesce(max(as_of_date), {{ as_of_date() }}) as as_of_date,
        count(*) as customers
    from {{ ref('customers') }}

),

sizes as (

    select
        segment,
        count(*) as customers
    from {{ ref('segment_memberships') }}
    group by segment

)

select
    register.position,
    register.segment,
    register.title,
    register.segment_group,
    register.definition,
    register.marketing_goal,
    register.watch_out,
    coalesce(sizes.customers, 0) as customers,
    cast(
        case when shop.customers > 0 then 1.0 * coalesce(sizes.customers, 0) / shop.customers else 0 end
        as {{ decimal_type(18, 8) }}
    ) as share_of_customers,
    shop.as_of_date
from register
cross join shop
left join sizes on register.segment = sizes.segment
