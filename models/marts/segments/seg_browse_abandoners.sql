select
    customer_id,
    as_of_date,
    product_views_30d,
    open_carts_30d,
    has_ordered_30d
from {{ ref('customers') }}
where
    product_views_30d >= 1
    and open_carts_30d = 0
    and not has_ordered_30d
