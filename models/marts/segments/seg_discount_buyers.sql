select
    customer_id,
    as_of_date,
    discounted_purchases_12m
from {{ ref('customers') }}
where
    discounted_purchases_12m >= 1
