-- One row per web session.
with

kept as (

    {{ kept_rows('sessions') }}

)

select
    session_id,
    visitor_id,
    customer_id as account_id,
    started_at,
    {{ local_date('started_at') }} as started_on,
    channel,
    campaign_id,
    device,
    coalesce(is_bot, false) as is_bot
from kept
