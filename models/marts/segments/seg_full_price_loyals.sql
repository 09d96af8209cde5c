select
    customer_id,
    as_of_date,
    frequency_score,
    purchase_count,
    full_price_purchases,
    discount_dependence
from {{ ref('customers') }}
where
    frequency_score >= 4
    and discount_dependence <= 0.25
