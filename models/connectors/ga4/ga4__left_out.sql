-- One row per raw table and reason: events that cannot be told whose they are.
{{ config(enabled=is_connected('ga4')) }}

select
    left_out_of as table_name,
    case
        when visitor_id is null then 'event without user_pseudo_id: nobody consented to a cookie'
        else 'event without ga_session_id: of no visit'
    end as reason,
    sum(events) as left_out_rows
from {{ ref('ga4__stretches') }}
where session_id is null
group by
    left_out_of,
    case
        when visitor_id is null then 'event without user_pseudo_id: nobody consented to a cookie'
        else 'event without ga_session_id: of no visit'
    end
