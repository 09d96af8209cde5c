-- One row per web session.
select
    session_id,
    visitor_id,
    account_id,
    started_at,
    started_on,
    channel,
    device,
    is_bot
from {{ ref('base_sessions') }}
where verdict = 'kept'
