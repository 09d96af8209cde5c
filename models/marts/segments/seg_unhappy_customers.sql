select
    customer_id,
    as_of_date,
    purchase_count,
    review_age_days,
    last_review_rating
from {{ ref('customers') }}
where
    purchase_count >= 1
    and review_age_days < 90
    and last_review_rating <= 2
