select
    customer_id,
    as_of_date,
    last_purchased_on,
    last_delivered_on,
    days_since_receipt
from {{ ref('customers') }}
where
    days_since_receipt between 14 and 20
