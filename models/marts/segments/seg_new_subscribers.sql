select
    customer_id,
    as_of_date,
    is_subscribed,
    consented_on,
    has_ordered
from {{ ref('customers') }}
where
    is_subscribed
    and consented_on > {{ days_ago(30) }}
    and not has_ordered
