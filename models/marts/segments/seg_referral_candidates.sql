select
    customer_id,
    as_of_date,
    recency_score,
    frequency_score,
    review_age_days,
    last_review_rating
from {{ ref('customers') }}
where
    recency_score >= 4
    and frequency_score >= 4
    and review_age_days < 365
    and last_review_rating >= 4
