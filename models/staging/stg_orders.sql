-- One row per order.
select
    order_id,
    account_id,
    compared_email,
    ordered_at,
    ordered_on,
    status,
    currency,
    discount_amount,
    discount_code,
    delivered_at,
    is_test,
    updated_at
from {{ ref('base_orders') }}
where verdict = 'kept'
