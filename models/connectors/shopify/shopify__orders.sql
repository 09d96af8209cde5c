-- One row per order.
{{ config(enabled=is_connected('shopify')) }}

with

orders as (

    {{ loaded('shopify', 'order') }}

),

discount_codes as (

    {{ loaded('shopify', 'order_discount_code') }}

),

fulfillments as (

    {{ loaded('shopify', 'fulfillment') }}

),

fulfillment_events as (

    {{ loaded('shopify', 'fulfillment_event') }}

),

order_amounts as (

    select
        order_id,
        max(order_discount) as order_discount,
        max(order_tax) as order_tax,
        max(order_taxable) as order_taxable,
        max(loaded_at) as loaded_at,
        max(source_error) as source_error
    from {{ ref('shopify__line_amounts') }}
    group by order_id

),

-- A code for free shipping gives no discount on the goods.
first_codes as (

    select
        order_id,
        code,
        _fivetran_synced,
        row_number() over (partition by order_id order by index, {{ binary_collation('code') }}) as place
    from discount_codes
    where coalesce(lower({{ adapter.quote('type') }}), '') <> 'shipping'

),

deliveries as (

    select
        coalesce(fulfillment_events.order_id, fulfillments.order_id) as order_id,
        max(fulfillment_events.happened_at) as delivered_at,
        max(fulfillment_events._fivetran_synced) as loaded_at
    from fulfillment_events
    left join fulfillments on fulfillment_events.fulfillment_id = fulfillments.id
    where lower(fulfillment_events.status) = 'delivered' and not coalesce(fulfillment_events._fivetran_deleted, false)
    group by coalesce(fulfillment_events.order_id, fulfillments.order_id)

)

select
    orders.id as order_id,
    coalesce(known_accounts.account_id, orders.customer_id) as customer_id,
    case when not coalesce(known_accounts.is_redacted, false) then orders.email end as email,
    coalesce(orders.processed_at, orders.created_at) as ordered_at,
    case
        when coalesce(orders._fivetran_deleted, false) or orders.cancelled_at is not null then 'cancelled'
        when lower(orders.financial_status) in ('voided', 'expired') then 'cancelled'
        when lower(orders.financial_status) in ('pending', 'authorized', 'partially_paid') then 'pending'
        when lower(orders.financial_status) in ('paid', 'partially_refunded', 'refunded')
            then case when lower(orders.fulfillment_status) = 'fulfilled' then 'fulfilled' else 'paid' end
        else orders.financial_status
    end as status,
    orders.currency,
    coalesce(
        {{ without_tax('order_amounts.order_discount', 'order_amounts.order_tax', 'order_amounts.order_taxable') }}, 0
    ) as discount_amount,
    first_codes.code as discount_code,
    deliveries.delivered_at,
    coalesce(orders.test, false) as is_test,
    orders.updated_at,
    {{ cannot_tell('orders', ['is_deleted']) }},
    {{ latest_of([
        'orders._fivetran_synced', 'order_amounts.loaded_at', 'first_codes._fivetran_synced', 'deliveries.loaded_at'
    ]) }} as loaded_at,
    coalesce(orders.source_error, order_amounts.source_error) as source_error
from orders
left join order_amounts on orders.id = order_amounts.order_id
left join first_codes on orders.id = first_codes.order_id and first_codes.place = 1
left join deliveries on orders.id = deliveries.order_id
left join {{ ref('shopify__accounts') }} as known_accounts on orders.customer_id = known_accounts.customer_id
