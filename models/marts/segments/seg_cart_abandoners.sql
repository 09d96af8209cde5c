select
    customer_id,
    as_of_date,
    last_open_cart_on,
    has_ordered_since_last_open_cart
from {{ ref('customers') }}
where
    last_open_cart_on > {{ days_ago(30) }}
    and not has_ordered_since_last_open_cart
