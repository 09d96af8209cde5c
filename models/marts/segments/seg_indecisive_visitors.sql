select
    customer_id,
    as_of_date,
    sessions_30d,
    has_ordered_30d
from {{ ref('customers') }}
where
    sessions_30d >= 10
    and not has_ordered_30d
