select
    customer_id,
    as_of_date,
    open_cart_age_days,
    has_ordered_since_last_open_cart
from {{ ref('customers') }}
where
    open_cart_age_days < 30
    and not has_ordered_since_last_open_cart
