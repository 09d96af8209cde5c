select
    customer_id,
    as_of_date,
    categories_365d
from {{ ref('customers') }}
where
    categories_365d >= 2
