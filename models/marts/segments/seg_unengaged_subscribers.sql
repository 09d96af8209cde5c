select
    customer_id,
    as_of_date,
    is_subscribed,
    consent_age_days,
    emails_received_180d,
    email_clicks_180d,
    sessions_180d
from {{ ref('customers') }}
where
    is_subscribed
    and consent_age_days > 180
    and emails_received_180d >= 1
    and email_clicks_180d = 0
    and sessions_180d = 0
