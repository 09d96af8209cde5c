select
    customer_id,
    as_of_date,
    monetary_score,
    frequency_score
from {{ ref('customers') }}
where
    monetary_score <= 2
    and frequency_score >= 4
