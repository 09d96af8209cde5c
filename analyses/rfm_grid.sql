-- One row per recency and frequency score that buyers have: how many they are, and what they have spent.
select
    recency_score,
    frequency_score,
    count(*) as buyers,
    sum(net_revenue) as net_revenue,
    round(100.0 * sum(net_revenue) / sum(sum(net_revenue)) over (), 1) as percent_of_net_revenue,
    round(avg(monetary_value), 2) as average_monetary_value
from {{ ref('customers') }}
where recency_score is not null
group by recency_score, frequency_score
order by recency_score desc, frequency_score desc
