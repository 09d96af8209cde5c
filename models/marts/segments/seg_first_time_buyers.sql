select
    customer_id,
    as_of_date,
    lifecycle_stage,
    first_purchased_on
from {{ ref('customers') }}
where
    lifecycle_stage = 'new'
