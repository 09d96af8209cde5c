-- One row per order.
select
    order_id,
    customer_id as account_id,
    {{ normalized_email('email') }} as normalized_email,
    ordered_at,
    {{ local_date('ordered_at') }} as ordered_on,
    status,
    currency,
    coalesce(discount_amount, 0) as discount_amount,
    discount_code,
    delivered_at,
    coalesce(is_test, false) as is_test,
    updated_at
from {{ ref('base_orders') }}
where row_status = 'kept'
