-- One row per email event.
select
    event_id,
    account_id,
    compared_email,
    campaign_id,
    event_type,
    occurred_at,
    occurred_on
from {{ ref('base_email_events') }}
where verdict = 'kept'
