select
    customer_id,
    as_of_date,
    recency_score,
    frequency_score,
    last_reviewed_on,
    last_review_rating
from {{ ref('customers') }}
where
    recency_score >= 4
    and frequency_score >= 4
    and last_reviewed_on > {{ days_ago(365) }}
    and last_review_rating >= 4
