-- One row per email event.
with

kept as (

    {{ kept_rows('email_events') }}

)

select
    event_id,
    customer_id as account_id,
    {{ normalized_email('email') }} as normalized_email,
    campaign_id,
    event_type,
    occurred_at,
    {{ local_date('occurred_at') }} as occurred_on
from kept
