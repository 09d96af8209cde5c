select
    customer_id,
    as_of_date,
    is_subscribed,
    email_clicks_90d
from {{ ref('customers') }}
where
    is_subscribed
    and email_clicks_90d >= 1
