select
    customer_id,
    as_of_date,
    is_subscribed,
    purchase_count
from {{ ref('ecommerce_segments', 'customers') }}
where
    is_subscribed
    and purchase_count >= 2
