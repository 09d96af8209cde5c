-- One row per lifecycle stage: how many customers are in it, what they have spent, and how many of them are of high value.
select
    lifecycle_stage,
    count(*) as customers,
    round(100.0 * count(*) / sum(count(*)) over (), 1) as percent_of_customers,
    sum(net_revenue) as net_revenue,
    round(100.0 * sum(net_revenue) / sum(sum(net_revenue)) over (), 1) as percent_of_net_revenue,
    round(sum(net_revenue) / count(*), 2) as net_revenue_per_customer,
    sum(case when value_tier = 'high' then 1 else 0 end) as high_value_customers
from {{ ref('customers') }}
group by lifecycle_stage
order by net_revenue desc, lifecycle_stage asc
