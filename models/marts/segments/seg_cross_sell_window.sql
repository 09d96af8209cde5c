select
    customer_id,
    as_of_date,
    last_purchased_on,
    recency_days
from {{ ref('customers') }}
where
    recency_days between 14 and 20
