-- One row per segment and country: its customers and what they have spent, in the reporting currency.
select
    memberships.segment,
    customers.country_code,
    count(*) as customers,
    sum(customers.net_revenue) as net_revenue
from {{ ref('segment_memberships') }} as memberships
inner join {{ ref('customers') }} as customers on memberships.customer_id = customers.customer_id
group by memberships.segment, customers.country_code
order by memberships.segment asc, customers desc, customers.country_code asc
