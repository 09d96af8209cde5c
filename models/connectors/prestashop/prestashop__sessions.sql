-- One row per cart that was never ordered: that its products were put into it is all that PrestaShop keeps of a visit.
{{ config(enabled='prestashop' in connectors_of('sessions'), materialized='table') }}

with

carts as (

    {{ loaded('prestashop', 'cart') }}

),

orders as (

    {{ loaded('prestashop', 'orders') }}

),

customers as (

    {{ loaded('prestashop', 'customer') }}

),

ordered_carts as (

    select distinct id_cart from orders
    where id_cart is not null

)

select
    'cart:' || carts.id_cart as session_id,
    'guest:' || {{ prestashop_known_id('carts.id_guest', 'carts.id_prefix') }} as visitor_id,
    case
        when not coalesce(customers.is_guest, false) and not {{ prestashop_is_anonymous('customers.email') }}
            then {{ prestashop_known_id('carts.id_customer', 'carts.id_prefix') }}
    end as customer_id,
    {{ prestashop_moment('carts.date_add', 'carts.source_name') }} as started_at,
    {{ cannot_tell('sessions', ['channel', 'campaign_id', 'device', 'is_bot']) }},
    carts.loaded_at,
    carts.source_error
from carts
left join ordered_carts on carts.id_cart = ordered_carts.id_cart
left join customers on carts.id_customer = customers.id_customer
where ordered_carts.id_cart is null and not {{ is_deleted_in_source('carts') }}
