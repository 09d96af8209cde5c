select
    customer_id,
    as_of_date,
    email_clicks_180d,
    last_session_on,
    last_purchased_on
from {{ ref('customers') }}
where
    is_subscribed
    and email_clicks_180d >= 1
    and email_clicks_90d = 0
