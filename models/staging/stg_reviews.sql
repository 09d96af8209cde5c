-- One row per review.
select
    review_id,
    account_id,
    order_id,
    product_id,
    rating,
    topic,
    reviewed_at,
    reviewed_on
from {{ ref('base_reviews') }}
where verdict = 'kept'
