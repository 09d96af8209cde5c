select
    customer_id,
    as_of_date,
    is_subscribed,
    consented_on,
    has_ordered
from {{ ref('customers') }}
where
    is_subscribed
    and not has_ordered
