select
    customer_id,
    as_of_date,
    recency_score,
    frequency_score
from {{ ref('customers') }}
where
    recency_score >= 4
    and frequency_score >= 4
