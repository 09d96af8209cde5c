select
    customer_id,
    as_of_date,
    purchase_dates,
    overdue_ratio
from {{ ref('customers') }}
where
    purchase_dates >= 3
    and overdue_ratio between 0.8 and 1.2
