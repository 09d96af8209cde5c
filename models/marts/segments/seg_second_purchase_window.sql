select
    customer_id,
    as_of_date,
    purchase_count,
    last_purchased_on,
    expected_next_purchase_on,
    days_to_expected_purchase
from {{ ref('customers') }}
where
    purchase_count = 1
    and days_to_expected_purchase between 1 and 14
