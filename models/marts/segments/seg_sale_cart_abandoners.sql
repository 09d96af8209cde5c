select
    customer_id,
    as_of_date,
    open_carts_in_current_sale,
    has_ordered_in_current_sale
from {{ ref('customers') }}
where
    open_carts_in_current_sale >= 1
    and not has_ordered_in_current_sale
