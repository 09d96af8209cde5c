-- One row per order.
{{ config(enabled=is_connected('prestashop'), materialized='table') }}

with

orders as (

    {{ newest_loaded('prestashop', 'orders') }}

),

customers as (

    {{ newest_loaded('prestashop', 'customer') }}

),

currencies as (

    {{ newest_loaded('prestashop', 'currency') }}

),

states as (

    {{ newest_loaded('prestashop', 'order_state') }}

),

used_rules as (

    {{ newest_loaded('prestashop', 'order_cart_rule') }}

),

cart_rules as (

    {{ newest_loaded('prestashop', 'cart_rule') }}

),

state_changes as (

    {{ loaded('prestashop', 'order_history') }}

),

-- The value of a rule that makes shipping free holds the shipping, for which no goods became cheaper.
discounts as (

    select
        orders.id_order,
        sum(greatest(
            coalesce(used_rules.value_tax_excl, 0)
            - case when used_rules.free_shipping then coalesce(orders.total_shipping_tax_excl, 0) else 0 end,
            0
        )) as discount_amount,
        min(cart_rules.code) as discount_code,
        max(used_rules.source_error) as source_error
    from orders
    inner join used_rules on orders.id_order = used_rules.id_order
    left join cart_rules on used_rules.id_cart_rule = cart_rules.id_cart_rule
    where not coalesce(used_rules.deleted, false) and not {{ is_deleted_in_source('used_rules') }}
    group by orders.id_order

),

deliveries as (

    select
        id_order,
        min(date_add) as delivered_at
    from state_changes
    where
        {{ prestashop_state_is_of('delivered_states', [5], 'id_order_state', 'source_name') }}
        and not {{ is_deleted_in_source('state_changes') }}
    group by id_order

)

select
    orders.id_order as order_id,
    case
        when not coalesce(customers.is_guest, false) and not {{ prestashop_is_anonymous('customers.email') }}
            then {{ prestashop_known_id('orders.id_customer', 'orders.id_prefix') }}
    end as customer_id,
    case when not {{ prestashop_is_anonymous('customers.email') }} then customers.email end as email,
    {{ prestashop_moment('orders.date_add', 'orders.source_name') }} as ordered_at,
    case
        when {{ prestashop_state_is_of('cancelled_states', [6, 8], 'orders.current_state', 'orders.source_name') }}
            then 'cancelled'
        when {{ prestashop_state_is_of('refund_states', [7], 'orders.current_state', 'orders.source_name') }} then 'paid'
        when states.paid and (coalesce(states.shipped, false) or coalesce(states.delivery, false)) then 'fulfilled'
        when states.paid then 'paid'
        when states.id_order_state is not null then 'pending'
        else orders.current_state
    end as status,
    currencies.iso_code as currency,
    cast(coalesce(discounts.discount_amount, 0) as {{ decimal_type(18, 6) }}) as discount_amount,
    discounts.discount_code,
    {{ prestashop_moment('deliveries.delivered_at', 'orders.source_name') }} as delivered_at,
    {{ cannot_tell('orders', ['is_test']) }},
    {{ prestashop_moment('coalesce(orders.date_upd, orders.date_add)', 'orders.source_name') }} as updated_at,
    {{ is_deleted_in_source('orders') }} as is_deleted,
    orders.loaded_at,
    coalesce(orders.source_error, discounts.source_error) as source_error
from orders
left join customers on orders.id_customer = customers.id_customer
left join currencies on orders.id_currency = currencies.id_currency
left join states on orders.current_state = states.id_order_state
left join discounts on orders.id_order = discounts.id_order
left join deliveries on orders.id_order = deliveries.id_order
