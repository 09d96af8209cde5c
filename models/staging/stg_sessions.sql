-- One row per web session.
with

kept as (

    {{ kept_rows('sessions', key='session_id', columns=[
        'session_id',
        'visitor_id',
        'customer_id',
        'started_at',
        'channel',
        'campaign_id',
        'device',
        'is_bot'
    ]) }}

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
