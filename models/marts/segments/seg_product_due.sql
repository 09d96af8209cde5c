select
    customer_id,
    as_of_date,
    products_due,
    last_purchased_on
from {{ ref('customers') }}
where
    products_due >= 1
