select
    customer_id,
    as_of_date,
    recency_score,
    frequency_score,
    monetary_score,
    visit_score
from {{ ref('customers') }}
where
    recency_score >= 3
    and frequency_score >= 4
    and monetary_score >= 4
    and (visit_score >= 4 or visit_score is null)
