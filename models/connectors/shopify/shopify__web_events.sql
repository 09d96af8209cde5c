-- Two rows per abandoned checkout: a cart was filled, and a checkout begun.
{{ config(enabled='shopify' in connectors_of('web_events'), materialized='table') }}

with

checkouts as (

    {{ loaded('shopify', 'abandoned_checkout') }}

)

{% for event_type in ['add_to_cart', 'checkout_start'] %}
select
    {{ dbt.concat(["'checkout:'", 'id', "':" ~ event_type ~ "'"]) }} as event_id,
    {{ dbt.concat(["'checkout:'", 'id']) }} as session_id,
    '{{ event_type }}' as event_type,
    {{ cannot_tell('web_events', ['product_id']) }},
    created_at as occurred_at,
    _fivetran_synced as loaded_at,
    source_error
from checkouts
{{ 'union all' if not loop.last }}
{% endfor %}
