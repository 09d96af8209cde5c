-- One row per product of an event, and one for an event without.
{{ config(enabled=is_connected('ga4'), materialized='table') }}

with

hits as (

    select
        source_name,
        source_error,
        event_date,
        event_timestamp,
        session_id,
        event_type,
        item_list_id,
        item_list_name,
        items,
        hit_key
    from {{ ref('ga4__hits') }}
    where event_type is not null

),

by_item as (

    {{ ga4_by_item('hits') }}

),

items_read as (

    select
        source_name,
        source_error,
        event_date,
        event_timestamp,
        session_id,
        event_type,
        hit_key,
        item_number,
        {{ ga4_item('item_id') }} as item_id,
        coalesce({{ ga4_item('item_list_id') }}, item_list_id) as item_list_id,
        coalesce({{ ga4_item('item_list_name') }}, item_list_name) as item_list_name
    from by_item

),

counted as (

    select *
    from items_read
    -- One condition: the session alone would be asked before the items are, and be looked up twice.
    where
        case
            when session_id is null then false
            when event_type = 'recommendation_click' then {{ ga4_is_recommended() }}
            else true
        end

)

select
    -- Identical hits are one.
    {{ ga4_event_id() }} as event_id,
    counted.session_id,
    counted.event_type,
    coalesce(product_keys.product_id, counted.item_id) as product_id,
    {{ ga4_moment('counted.event_timestamp') }} as occurred_at,
    {{ ga4_loaded_at('counted.event_date') }} as loaded_at,
    counted.source_error
from counted
left join {{ ref('product_keys') }} as product_keys on counted.item_id = product_keys.product_key
