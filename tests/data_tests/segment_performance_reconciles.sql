-- Each segment is as large as the mart segments says; the four that hold each buyer once have all customers' purchases.
{% set value_segments = ['high_value_active', 'low_value_active', 'high_value_at_risk', 'non_target'] %}
{% set registered = registered_segments() | map(attribute='name') | select('in', value_segments) | list %}
with

performance as (

    select * from {{ ref('segment_performance') }}

),

segments as (

    select * from {{ ref('segments') }}

),

sizes as (

    select
        segments.segment,
        segments.customers as expected,
        performance.customers as found
    from segments
    left join performance on segments.segment = performance.segment

),

purchases as (

    select count(*) as purchases
    from {{ ref('purchases') }}
    where customer_id is not null and purchased_on > {{ days_ago(365) }}

),

value_segments as (

    select sum(purchases_365d) as purchases
    from performance
    where segment in ('{{ value_segments | join("', '") }}')

),

figures as (

    select * from sizes

    union all

    select
        'the four together' as segment,
        purchases.purchases as expected,
        value_segments.purchases as found
    from purchases
    cross join value_segments
    -- A shop that has removed one of the four is content.
    where {{ registered | length }} = 4

)

select *
from figures
where expected <> coalesce(found, -1)
