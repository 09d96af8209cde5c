-- One row per segment that has customers, in the order of the register: how many of them mail may go to.
select
    segments.segment,
    segments.customers,
    sum(case when customers.is_subscribed then 1 else 0 end) as subscribed,
    sum(case when customers.is_contactable_by_email then 1 else 0 end) as contactable_by_email,
    round(100.0 * sum(case when customers.is_contactable_by_email then 1 else 0 end) / segments.customers, 1)
        as percent_contactable_by_email
from {{ ref('segments') }} as segments
inner join {{ ref('segment_memberships') }} as memberships on segments.segment = memberships.segment
inner join {{ ref('customers') }} as customers on memberships.customer_id = customers.customer_id
group by segments.position, segments.segment, segments.customers
order by segments.position asc
