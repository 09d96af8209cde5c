-- High or low value, active or at risk: each buyer is in exactly one of the four, and no lead is in any.
{% set value_segments = ['high_value_active', 'low_value_active', 'high_value_at_risk', 'non_target'] %}
{% set registered = registered_segments() | map(attribute='name') | select('in', value_segments) | list %}
with

memberships as (

    select
        customer_id,
        count(*) as value_segments
    from {{ ref('segment_memberships') }}
    where segment in ('{{ value_segments | join("', '") }}')
    group by customer_id

)

select
    customers.customer_id,
    customers.purchase_count,
    memberships.value_segments
from {{ ref('customers') }} as customers
left join memberships on customers.customer_id = memberships.customer_id
where
    coalesce(memberships.value_segments, 0) <> case when customers.purchase_count > 0 then 1 else 0 end
    -- A shop that has removed one of the four is content.
    and {{ registered | length }} = 4
