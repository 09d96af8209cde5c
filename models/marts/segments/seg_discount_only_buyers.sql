select
    customer_id,
    as_of_date,
    purchase_count,
    discount_dependence,
    net_revenue
from {{ ref('customers') }}
where
    purchase_count >= 2
    and full_price_purchases = 0
