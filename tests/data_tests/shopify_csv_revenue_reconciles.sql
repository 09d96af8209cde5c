-- The net revenue of a paid order in the reporting currency is what the export's own columns make of it: Subtotal, less the tax
-- in it, less gift cards, less the share of the total that went back. Amounts are rounded per item, so that a cent may differ.
-- Not asked are orders that contradict themselves: items worth less than the subtotal, or amounts below 0.
-- A warning, as plugins write odd orders.
{{ config(enabled=is_connected('shopify_csv'), severity='warn') }}

with

exported as (

    select
        order_id,
        max(subtotal) as subtotal,
        max(subtotal) + coalesce(max(shipping), 0) as taxed_amount,
        max(total) as total,
        coalesce(max(refunded_amount), 0) as refunded_amount,
        coalesce(sum(case when is_gift_card then lineitem_quantity * lineitem_price - coalesce(lineitem_discount, 0) end), 0)
            as gift_cards_amount
    from (
        select
            order_id,
            cast(subtotal as {{ double_type() }}) as subtotal,
            cast(shipping as {{ double_type() }}) as shipping,
            cast(total as {{ double_type() }}) as total,
            cast(refunded_amount as {{ double_type() }}) as refunded_amount,
            cast(lineitem_quantity as {{ double_type() }}) as lineitem_quantity,
            cast(lineitem_price as {{ double_type() }}) as lineitem_price,
            cast(lineitem_discount as {{ double_type() }}) as lineitem_discount,
            is_gift_card
        from {{ ref('shopify_csv__order_rows') }}
    ) as order_rows
    group by order_id
    having
        min(lineitem_quantity) >= 0
        and min(lineitem_price) >= 0
        and coalesce(min(lineitem_discount), 0) >= 0
        and sum(lineitem_quantity * lineitem_price - coalesce(lineitem_discount, 0)) >= max(subtotal) - 0.005

),

taxes as (

    select
        order_id,
        cast(taxes_in_prices as {{ double_type() }}) as taxes_in_prices
    from {{ ref('shopify_csv__order_heads') }}

),

net_sales as (

    select
        exported.order_id,
        (exported.subtotal - exported.gift_cards_amount)
        * case when exported.taxed_amount > 0 then 1 - taxes.taxes_in_prices / exported.taxed_amount else 1 end
        * case
            when exported.refunded_amount <= 0 then 1
            when exported.refunded_amount < exported.total then 1 - exported.refunded_amount / exported.total
            else 0
        end as net_amount
    from exported
    inner join taxes on exported.order_id = taxes.order_id

)

select
    net_sales.order_id,
    net_sales.net_amount,
    purchases.net_revenue
from net_sales
inner join {{ ref('int_orders') }} as orders on net_sales.order_id = orders.order_id
left join {{ ref('int_purchases') }} as purchases on net_sales.order_id = purchases.order_id
where
    orders.is_paid
    and orders.currency = '{{ var("reporting_currency") }}'
    and abs(
        coalesce(cast(purchases.net_revenue as {{ double_type() }}), 0)
        - case when net_sales.net_amount > 0 then net_sales.net_amount else 0 end
    ) > 0.0101
