-- One row per order. Its customer is the one who has its email.
{{ config(enabled=is_connected('shopify_csv')) }}

with

orders as (

    select * from {{ ref('shopify_csv__order_heads') }}

),

-- An email that several have says nothing here; staging knows what it is.
customers as (

    select
        source_name,
        normalized_email,
        max(customer_id) as customer_id
    from {{ ref('shopify_csv__customer_rows') }}
    where normalized_email is not null
    group by source_name, normalized_email
    having count(distinct customer_id) = 1

)

select
    orders.order_id,
    customers.customer_id,
    orders.email,
    orders.created_at as ordered_at,
    case
        when orders.cancelled_at is not null or orders.financial_status in ('voided', 'expired') then 'cancelled'
        when orders.financial_status in ('pending', 'authorized', 'partially_paid') then 'pending'
        when orders.financial_status in ('paid', 'partially_refunded', 'refunded')
            then case when orders.fulfillment_status = 'fulfilled' then 'fulfilled' else 'paid' end
        else orders.financial_status
    end as status,
    orders.currency,
    {{ net_of_tax('orders.discount_amount') }} as discount_amount,
    orders.discount_code,
    -- Shopify's own gateway for tests.
    coalesce(lower(orders.payment_method) like '%bogus%', false) as is_test,
    orders.updated_at,
    {{ cannot_tell('orders', ['delivered_at', 'is_deleted', 'loaded_at']) }},
    orders.source_error
from orders
left join customers on orders.source_name = customers.source_name and orders.normalized_email = customers.normalized_email
