select
    customer_id,
    as_of_date,
    category,
    purchases_365d
from {{ ref('customer_categories') }}
where
    purchases_365d >= 2
