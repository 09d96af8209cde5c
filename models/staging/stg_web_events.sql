-- One row per web event.
select
    event_id,
    session_id,
    event_type,
    product_id,
    occurred_at,
    occurred_on
from {{ ref('base_web_events') }}
where verdict = 'kept'
