select
    customer_id,
    as_of_date,
    purchase_count,
    full_price_purchases,
    net_revenue
from {{ ref('customers') }}
where
    purchase_count >= 2
    and full_price_purchases = 0
