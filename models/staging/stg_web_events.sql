-- One row per web event.
with

kept as (

    {{ kept_rows('web_events') }}

)

select
    event_id,
    session_id,
    event_type,
    product_id,
    occurred_at,
    {{ local_date('occurred_at') }} as occurred_on
from kept
