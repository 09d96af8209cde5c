-- One row per review.
select
    review_id,
    customer_id as account_id,
    order_id,
    product_id,
    rating,
    topic,
    reviewed_at,
    {{ local_date('reviewed_at') }} as reviewed_on
from {{ ref('base_reviews') }}
where row_status = 'kept'
