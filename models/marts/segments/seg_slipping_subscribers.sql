select
    customer_id,
    as_of_date,
    is_subscribed,
    email_clicks_180d,
    email_clicks_90d,
    last_session_on,
    last_purchased_on
from {{ ref('customers') }}
where
    is_subscribed
    and email_clicks_180d >= 1
    and email_clicks_90d = 0
