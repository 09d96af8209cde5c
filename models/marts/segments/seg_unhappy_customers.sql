select
    customer_id,
    as_of_date,
    purchase_count,
    last_reviewed_on,
    last_review_rating
from {{ ref('customers') }}
where
    purchase_count >= 1
    and last_reviewed_on > {{ days_ago(90) }}
    and last_review_rating <= 2
