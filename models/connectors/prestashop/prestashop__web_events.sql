-- One row per product of a cart that was never ordered.
{{ config(enabled='prestashop' in connectors_of('web_events'), materialized='table') }}

with

cart_products as (

    {{ loaded('prestashop', 'cart_product') }}

),

sessions as (

    select * from {{ ref('prestashop__sessions') }}

),

added as (

    select
        sessions.session_id,
        {{ prestashop_product_id('cart_products.id_product', 'cart_products.id_product_attribute') }} as product_id,
        coalesce({{ prestashop_moment('cart_products.date_add', 'cart_products.source_name') }}, sessions.started_at)
            as occurred_at,
        cart_products.loaded_at,
        coalesce(cart_products.source_error, sessions.source_error) as source_error
    from cart_products
    inner join sessions on 'cart:' || cart_products.id_cart = sessions.session_id
    where not {{ is_deleted_in_source('cart_products') }}

)

select
    session_id || ':' || product_id as event_id,
    session_id,
    'add_to_cart' as event_type,
    product_id,
    min(occurred_at) as occurred_at,
    max(loaded_at) as loaded_at,
    max(source_error) as source_error
from added
group by session_id, product_id
