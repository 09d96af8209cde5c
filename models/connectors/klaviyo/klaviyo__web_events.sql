-- One row per product view, product put into the cart or checkout.
{{ config(enabled='klaviyo' in connectors_of('web_events'), materialized='table') }}

with

events as (

    select * from {{ ref('klaviyo__visits') }}
    where event_type <> 'visit'

),

product_keys as (

    select * from {{ ref('product_keys') }}

)

select
    events.event_id,
    events.session_id,
    events.event_type,
    coalesce(
        variants.product_id, products.product_id, skus.product_id, events.variant_id, events.product_id, events.sku
    ) as product_id,
    events.occurred_at,
    events.loaded_at,
    events.source_error
from events
left join product_keys as variants on events.variant_id = variants.product_key
left join product_keys as products on events.product_id = products.product_key
left join product_keys as skus on events.sku = skus.product_key
