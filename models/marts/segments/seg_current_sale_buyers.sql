select
    customer_id,
    as_of_date,
    purchases_in_current_sale
from {{ ref('customers') }}
where
    purchases_in_current_sale >= 1
