-- One row per session, or email click of a customer, up to the as-of date, with its channel. Bots and test customers are
-- left out.
with

sessions as (

    select * from {{ ref('int_sessions') }}

),

email_clicks as (

    select * from {{ ref('int_email_events') }}
    where event_type = 'click' and customer_id is not null

),

touches as (

    select
        'session' as touch_kind,
        session_id as touch_id,
        customer_id,
        visitor_id,
        coalesce(channel, 'unknown') as channel,
        campaign_id,
        started_at as touched_at,
        started_on as touched_on
    from sessions

    union all

    select
        'email' as touch_kind,
        event_id as touch_id,
        customer_id,
        cast(null as {{ dbt.type_string() }}) as visitor_id,
        'email' as channel,
        campaign_id,
        occurred_at as touched_at,
        occurred_on as touched_on
    from email_clicks

)

select
    touch_kind,
    touch_id,
    customer_id,
    visitor_id,
    channel,
    {{ is_listed('channel', var('direct_channels')) }} as is_direct,
    campaign_id,
    touched_at,
    touched_on
from touches
