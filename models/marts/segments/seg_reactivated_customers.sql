select
    customer_id,
    as_of_date,
    last_purchased_on,
    previous_gap_days
from {{ ref('customers') }}
where
    last_purchased_on > {{ days_ago(90) }}
    and previous_gap_days > 180
