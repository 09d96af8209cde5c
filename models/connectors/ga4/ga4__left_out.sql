-- One row per raw table and reason: events that cannot be told whose they are.
{{ config(enabled=is_connected('ga4')) }}

select
    case when event_type is null then 'sessions' else 'web_events' end as table_name,
    case
        when visitor_id is null then 'event without user_pseudo_id: nobody consented to a cookie'
        else 'event without ga_session_id: of no visit'
    end as reason,
    count(*) as left_out_rows
from {{ ref('ga4__hits') }}
where session_id is null
group by
    case when event_type is null then 'sessions' else 'web_events' end,
    case
        when visitor_id is null then 'event without user_pseudo_id: nobody consented to a cookie'
        else 'event without ga_session_id: of no visit'
    end
