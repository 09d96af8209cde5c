-- One row per event, with what sessions and web events need of it. The nested columns are read here alone. A view: to read them
-- for either takes less than to write down both.
{{ config(enabled=is_connected('ga4')) }}

{% set last_click = 'session_traffic_source_last_click' %}

with

events as (

    {{ ga4_events() }}

),

nested as (

    select
        source_name,
        source_error,
        event_date,
        event_timestamp,
        event_name,
        user_pseudo_id,
        user_id,
        batch_page_id,
        batch_ordering_id,
        batch_event_index,
        {{ ga4_nested('event_params') }} as event_params,
        {{ ga4_nested('items') }} as items,
        {{ ga4_nested('device') }} as device,
        {{ ga4_nested('collected_traffic_source') }} as collected,
        {{ ga4_nested(last_click) }} as {{ last_click }}
    from events

),

read as (

    select
        source_name,
        source_error,
        event_date,
        event_timestamp,
        user_pseudo_id as visitor_id,
        {{ ga4_parameter('ga_session_id') }} as ga_session_id,
        {{ ga4_user_id() }} as user_id,
        {{ ga4_field('device', 'category') }} as device,
        case event_name
            when 'view_item' then 'product_view'
            when 'add_to_cart' then 'add_to_cart'
            when 'remove_from_cart' then 'remove_from_cart'
            when 'begin_checkout' then 'checkout_start'
            {%- if entries_of('ga4') | selectattr('recommendation_lists', 'defined') | list %}
            when 'select_item' then 'recommendation_click'
            {%- endif %}
        end as event_type,
        {{ ga4_hit_key() }} as hit_key,
        items,
        {{ ga4_field(last_click, 'cross_channel_campaign.default_channel_group') }} as channel_group,
        coalesce(
            {{ ga4_field(last_click, 'cross_channel_campaign.source') }},
            {{ ga4_field(last_click, 'manual_campaign.source') }},
            case when {{ ga4_field(last_click, 'google_ads_campaign.campaign_id') }} is not null then 'google' end
        ) as session_source,
        coalesce(
            {{ ga4_field(last_click, 'cross_channel_campaign.medium') }},
            {{ ga4_field(last_click, 'manual_campaign.medium') }},
            case when {{ ga4_field(last_click, 'google_ads_campaign.campaign_id') }} is not null then 'cpc' end
        ) as session_medium,
        coalesce(
            {{ ga4_field(last_click, 'cross_channel_campaign.campaign_id') }},
            {{ ga4_field(last_click, 'manual_campaign.campaign_id') }},
            {{ ga4_field(last_click, 'google_ads_campaign.campaign_id') }}
        ) as session_campaign_id,
        coalesce(
            {{ ga4_field(last_click, 'cross_channel_campaign.campaign_name') }},
            {{ ga4_field(last_click, 'manual_campaign.campaign_name') }},
            {{ ga4_field(last_click, 'google_ads_campaign.campaign_name') }}
        ) as session_campaign_name,
        -- A click on an ad of Google's carries its id; source and medium may be those of an older click.
        case
            when {{ ga4_field('collected', 'gclid') }} is not null then 'google'
            else {{ ga4_field('collected', 'manual_source') }}
        end as hit_source,
        case
            when {{ ga4_field('collected', 'gclid') }} is not null then 'cpc'
            else {{ ga4_field('collected', 'manual_medium') }}
        end as hit_medium,
        {{ ga4_field('collected', 'manual_campaign_id') }} as hit_campaign_id,
        {{ ga4_field('collected', 'manual_campaign_name') }} as hit_campaign_name,
        -- To look a parameter up takes time, so what only some events are asked for is looked up for these alone.
        {{ ga4_parameter('source') }} as parameter_source,
        case when {{ ga4_parameter('source') }} is not null then {{ ga4_parameter('medium') }} end as parameter_medium,
        case when {{ ga4_parameter('source') }} is not null then {{ ga4_parameter('campaign_id') }} end as parameter_campaign_id,
        case when {{ ga4_parameter('source') }} is not null then {{ ga4_parameter('campaign') }} end as parameter_campaign_name,
        case event_name when 'select_item' then {{ ga4_parameter('item_list_id') }} end as item_list_id,
        case event_name when 'select_item' then {{ ga4_parameter('item_list_name') }} end as item_list_name
    from nested

),

-- Where the session's own source is known, that of the hit does not matter.
with_source as (

    select
        *,
        channel_group is not null or session_source is not null as is_last_click,
        case
            when channel_group is not null or session_source is not null then session_source
            else coalesce(hit_source, parameter_source)
        end as traffic_source
    from read

)

select
    source_name,
    source_error,
    event_date,
    event_timestamp,
    visitor_id,
    {{ dbt.concat(['visitor_id', "'.'", 'ga_session_id']) }} as session_id,
    user_id,
    device,
    event_type,
    is_last_click,
    channel_group,
    lower(traffic_source) as traffic_source,
    lower(case
        when is_last_click then session_medium
        when hit_source is not null then hit_medium
        when traffic_source is not null then parameter_medium
    end) as traffic_medium,
    case
        when is_last_click then session_campaign_id
        when hit_source is not null then hit_campaign_id
        when traffic_source is not null then parameter_campaign_id
    end as campaign_id,
    case
        when is_last_click then session_campaign_name
        when hit_source is not null then hit_campaign_name
        when traffic_source is not null then parameter_campaign_name
    end as campaign_name,
    item_list_id,
    item_list_name,
    items,
    hit_key
from with_source
