select
    customer_id,
    as_of_date,
    is_subscribed,
    consent_age_days,
    has_ordered
from {{ ref('customers') }}
where
    is_subscribed
    and consent_age_days < 30
    and not has_ordered
