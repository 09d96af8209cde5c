-- One row per event of Klaviyo that a raw table could take, or of an unknown kind.
-- Names are compared as a whole: those of text messages (Clicked SMS, Unsubscribed from SMS Marketing) are near.
{{ config(enabled=is_connected('klaviyo'), materialized='table') }}

with

events as (

    {{ loaded('klaviyo', 'event') }}

),

metrics as (

    {{ loaded('klaviyo', 'metric') }}

),

metric_names as (

    select
        id as metric_id,
        max(name) as metric_name
    from metrics
    group by id

),

persons as (

    select * from {{ ref('klaviyo__persons') }}

),

named as (

    select
        events.*,
        coalesce(events.{{ adapter.quote('type') }}, metric_names.metric_name) as metric_name,
        persons.email,
        persons.normalized_email,
        persons.loaded_at as person_loaded_at
    from events
    left join metric_names on events.metric_id = metric_names.metric_id
    left join persons on events.person_id = persons.person_id

),

typed as (

    select
        *,
        case metric_name
            when 'Received Email' then 'delivered'
            when 'Opened Email' then 'open'
            when 'Clicked Email' then 'click'
            when 'Bounced Email' then 'bounce'
            when 'Unsubscribed from Email Marketing' then 'unsubscribe'
            when 'Unsubscribed' then 'unsubscribe'
            when 'Marked Email as Spam' then 'complaint'
            when 'Subscribed to Email Marketing' then 'subscribe'
            when 'Active on Site' then 'visit'
            when 'Viewed Product' then 'product_view'
            when 'Added to Cart' then 'add_to_cart'
            when 'Started Checkout' then 'checkout_start'
            -- That of Klaviyo's integration of Shopify.
            when 'Checkout Started' then 'checkout_start'
        end as event_type
    from named

),

placed as (

    select
        *,
        case
            when event_type = 'subscribe' then 'customers'
            when event_type = 'visit' then 'sessions'
            when event_type in ('product_view', 'add_to_cart', 'checkout_start') then 'web_events'
            else 'email_events'
        end as table_name
    from typed
    -- klaviyo__left_out counts the others.
    where event_type is not null or metric_name is null

)

select
    id as event_id,
    event_type,
    table_name,
    case
        when _fivetran_deleted then 'deleted in Klaviyo'
        when event_type is null then 'of a metric that was not loaded'
        when event_type = 'bounce' and coalesce(lower(property_bounce_type), '') not in ('hard', 'hard bounce')
            then 'bounces that are not said to be permanent'
        when event_type = 'click' and property_bot_click then 'clicks of machines'
        when table_name in ('sessions', 'web_events') and person_id is null then 'of no profile'
    end as left_out_reason,
    person_id,
    email,
    normalized_email,
    coalesce(campaign_id, 'flow:' || flow_id) as campaign_id,
    property_variant_id as variant_id,
    property_product_id as product_id,
    property_sku as sku,
    {{ adapter.quote('timestamp') }} as occurred_at,
    greatest(_fivetran_synced, coalesce(person_loaded_at, _fivetran_synced)) as loaded_at,
    source_error,
    source_name
from placed
