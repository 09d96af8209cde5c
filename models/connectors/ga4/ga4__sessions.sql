-- One row per session: a browser or device, and its number of the session. Whoever signs in or out stays in it.
{{ config(enabled=is_connected('ga4'), materialized='table') }}

with

stretches as (

    select *
    from {{ ref('ga4__stretches') }}
    where session_id is not null

),

ranked as (

    select
        *,
        row_number() over (
            partition by session_id
            order by
                case when user_id is null then 1 else 0 end,
                last_hit desc,
                {{ binary_collation('user_id') }}
        ) as user_place,
        -- The session's own source, else the first that is not direct.
        row_number() over (
            partition by session_id
            order by
                case
                    when is_last_click then 0
                    when traffic_source is null or traffic_source in ('(direct)', '(not set)') then 2
                    else 1
                end,
                first_hit,
                {{ binary_collation('traffic_source') }},
                {{ binary_collation('traffic_medium') }},
                {{ binary_collation('campaign_name') }},
                {{ binary_collation('campaign_id') }},
                {{ binary_collation('channel_group') }}
        ) as source_place
    from stretches

),

sessions as (

    select
        session_id,
        visitor_id,
        source_name,
        max(case when user_place = 1 then user_id end) as user_id,
        max(device) as device,
        max(case when source_place = 1 then channel_group end) as channel_group,
        max(case when source_place = 1 then traffic_source end) as traffic_source,
        max(case when source_place = 1 then traffic_medium end) as traffic_medium,
        max(case when source_place = 1 then campaign_id end) as campaign_id,
        max(case when source_place = 1 then campaign_name end) as campaign_name,
        min(first_hit) as first_hit,
        max(event_date) as event_date,
        max(source_error) as source_error
    from ranked
    group by session_id, visitor_id, source_name

),

with_channel as (

    select
        *,
        coalesce(
            lower(replace(replace(channel_group, ' ', '_'), '-', '_')),
            {{ ga4_default_channel_group('traffic_source', 'traffic_medium', 'lower(campaign_name)') }}
        ) as channel
    from sessions

)

select
    session_id,
    visitor_id,
    {{ dbt.concat(["coalesce(" ~ option_by_entry('ga4', 'customer_id_prefix') ~ ", '')", 'user_id']) }} as customer_id,
    {{ ga4_moment('first_hit') }} as started_at,
    {{ ga4_own_channel('channel') }} as channel,
    -- Google's words for no campaign stand in brackets.
    case
        when campaign_id not like '(%' then campaign_id
        when campaign_name not like '(%' then campaign_name
    end as campaign_id,
    device,
    {{ cannot_tell('sessions', ['is_bot']) }},
    {{ ga4_loaded_at('event_date') }} as loaded_at,
    case when first_hit is null then source_error end as source_error
from with_channel
