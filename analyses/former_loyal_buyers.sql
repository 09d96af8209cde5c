-- One row per frequent buyer whose recency score is no longer that of a loyal buyer, the biggest spenders first.
select
    customer_id,
    purchase_count,
    net_revenue,
    last_purchased_on,
    recency_days,
    expected_gap_days,
    lifecycle_stage,
    is_contactable_by_email
from {{ ref('customers') }}
where
    frequency_score >= 4
    and recency_score < 4
order by net_revenue desc, {{ binary_collation('customer_id') }} asc
