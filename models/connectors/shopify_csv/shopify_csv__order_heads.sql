-- One row per order of the orders exports. What is said of an order stands in one of its rows, or in all of them.
{{ config(enabled=is_connected('shopify_csv'), materialized='table') }}

with

order_rows as (

    select
        *,
        cast(cast(lineitem_quantity as {{ decimal_type(19, 6) }}) * lineitem_price as {{ decimal_type(28, 6) }}) as amount
    from {{ ref('shopify_csv__order_rows') }}

),

orders as (

    select
        source_name,
        order_id,
        max(email) as email,
        max(financial_status) as financial_status,
        max(fulfillment_status) as fulfillment_status,
        max(created_at) as created_at,
        max(paid_at) as paid_at,
        max(fulfilled_at) as fulfilled_at,
        max(cancelled_at) as cancelled_at,
        max(currency) as currency,
        max(subtotal) as subtotal,
        coalesce(max(shipping), 0) as shipping,
        coalesce(max(taxes), 0) as taxes,
        max(total) as total,
        max(refunded_amount) as refunded_amount,
        max(discount_code) as discount_code,
        max(payment_method) as payment_method,
        cast(sum(coalesce(amount, 0) - coalesce(lineitem_discount, 0)) as {{ decimal_type(28, 6) }}) as items_amount,
        cast(
            sum(case when is_gift_card then coalesce(amount, 0) - coalesce(lineitem_discount, 0) else 0 end)
            as {{ decimal_type(28, 6) }}
        ) as gift_cards_amount,
        max(source_error) as source_error
    from order_rows
    group by source_name, order_id

),

-- Taxes are in the prices where the total is what items and shipping cost, and on top where it is that and the taxes.
taxed as (

    select
        *,
        subtotal + shipping as taxed_amount,
        coalesce(
            lower({{ option_by_entry('shopify_csv', 'taxes_included') }}),
            case when abs(total - subtotal - shipping) < abs(total - subtotal - shipping - taxes) then 'true' else 'false' end
        ) = 'true' as has_taxes_in_prices
    from orders

)

select
    source_name,
    order_id,
    email,
    {{ normalized_email('email') }} as normalized_email,
    financial_status,
    fulfillment_status,
    created_at,
    cancelled_at,
    -- The latest of four moments; engines differ in what the greatest is where one is null.
    greatest(
        created_at, coalesce(paid_at, created_at), coalesce(fulfilled_at, created_at), coalesce(cancelled_at, created_at)
    ) as updated_at,
    currency,
    cast(subtotal as {{ decimal_type(18, 6) }}) as subtotal,
    cast(gift_cards_amount as {{ decimal_type(18, 6) }}) as gift_cards_amount,
    -- Never the column Discount Amount: what a code takes off shipping is in it.
    cast(case when items_amount > subtotal then items_amount - subtotal else 0 end as {{ decimal_type(18, 6) }})
        as discount_amount,
    total,
    refunded_amount,
    discount_code,
    payment_method,
    cast(taxed_amount as {{ decimal_type(18, 6) }}) as taxed_amount,
    cast(case when has_taxes_in_prices and taxes > 0 and taxed_amount > 0 then taxes else 0 end as {{ decimal_type(18, 6) }})
        as taxes_in_prices,
    source_error
from taxed
