-- One row per pair of segments, with the customers that are in both.
with

segments as (

    select * from {{ ref('segments') }}

),

memberships as (

    select * from {{ ref('segment_memberships') }}

),

shared as (

    select
        memberships.segment,
        other_memberships.segment as other_segment,
        count(*) as customers_in_both
    from memberships
    inner join memberships as other_memberships on memberships.customer_id = other_memberships.customer_id
    group by memberships.segment, other_memberships.segment

)

select
    segments.as_of_date,
    segments.segment,
    other_segments.segment as other_segment,
    coalesce(shared.customers_in_both, 0) as customers_in_both,
    cast(
        case
            when least(segments.customers, other_segments.customers) > 0
                then 1.0 * coalesce(shared.customers_in_both, 0) / least(segments.customers, other_segments.customers)
            else 0
        end as {{ decimal_type(18, 8) }}
    ) as share_of_smaller
from segments
inner join segments as other_segments on segments.position < other_segments.position
left join shared on segments.segment = shared.segment and other_segments.segment = shared.other_segment
