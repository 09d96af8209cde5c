-- One row per buyer.
select
    customer_id,
    {{ quotient('full_price_purchases', 'purchase_count', 8) }} as full_price_purchase_share
from {{ ref('int_customer_purchases') }}
