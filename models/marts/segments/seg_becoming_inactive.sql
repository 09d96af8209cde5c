select
    customer_id,
    as_of_date,
    lifecycle_stage,
    recency_days,
    expected_gap_days
from {{ ref('customers') }}
where
    lifecycle_stage = 'at_risk'
