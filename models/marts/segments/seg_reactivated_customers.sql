select
    customer_id,
    as_of_date,
    recency_days,
    previous_gap_days
from {{ ref('customers') }}
where
    recency_days < 90
    and previous_gap_days > 180
