-- One row per session, user and source, and such rows of events of no session, with the raw table that these are left out of.
{{ config(enabled=is_connected('ga4'), materialized='table') }}

with

hits as (

    select
        *,
        case
            when session_id is not null then null
            when event_type is null then 'sessions'
            else 'web_events'
        end as left_out_of
    from {{ ref('ga4__hits') }}

)

select
    session_id,
    visitor_id,
    source_name,
    user_id,
    device,
    is_last_click,
    channel_group,
    traffic_source,
    traffic_medium,
    campaign_id,
    campaign_name,
    left_out_of,
    count(*) as events,
    min(event_timestamp) as first_hit,
    max(event_timestamp) as last_hit,
    max(event_date) as event_date,
    max(source_error) as source_error
from hits
group by
    session_id,
    visitor_id,
    source_name,
    user_id,
    device,
    is_last_click,
    channel_group,
    traffic_source,
    traffic_medium,
    campaign_id,
    campaign_name,
    left_out_of
