select
    customer_id,
    as_of_date,
    is_subscribed,
    has_birthday_in_7d
from {{ ref('customers') }}
where
    is_subscribed
    and has_birthday_in_7d
