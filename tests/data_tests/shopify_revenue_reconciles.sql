-- What a paid order brought is what Shopify's own columns say: its subtotal less gift cards, tax in prices, and what went back.
-- Taxes of refunds are in whole cents there: each may be half of one off. A warning, as an order may be odd in Shopify itself.
{{ config(enabled=is_connected('shopify'), severity='warn') }}

with

source_orders as (

    {{ newest_loaded('shopify', 'order') }}

),

source_lines as (

    {{ newest_loaded('shopify', 'order_line') }}

),

source_allocations as (

    {{ newest_loaded('shopify', 'discount_allocation') }}

),

source_taxes as (

    {{ newest_loaded('shopify', 'tax_line') }}

),

source_refunds as (

    {{ newest_loaded('shopify', 'refund') }}

),

source_refund_lines as (

    {{ newest_loaded('shopify', 'order_line_refund') }}

),

source_adjustments as (

    {{ newest_loaded('shopify', 'order_adjustment') }}

),

allocations as (

    select
        order_line_id,
        sum(amount) as amount
    from source_allocations
    group by order_line_id

),

gift_cards as (

    select
        source_lines.id as order_line_id,
        source_lines.order_id,
        coalesce(source_lines.original_total_set_shop_amount, source_lines.quantity * source_lines.price)
        - coalesce(allocations.amount, 0) as amount
    from source_lines
    left join allocations on source_lines.id = allocations.order_line_id
    where source_lines.gift_card

),

gift_card_sales as (

    select
        order_id,
        sum(amount) as amount
    from gift_cards
    group by order_id

),

taxes as (

    select
        source_lines.order_id,
        sum(source_taxes.price) as amount
    from source_taxes
    inner join source_lines on source_taxes.order_line_id = source_lines.id
    where not coalesce(source_lines.gift_card, false)
    group by source_lines.order_id

),

discrepancies as (

    select
        refund_id,
        sum(amount) as amount
    from source_adjustments
    where coalesce(lower(kind), 'refund_discrepancy') = 'refund_discrepancy'
    group by refund_id

),

refunded_lines as (

    select
        source_refund_lines.refund_id,
        sum(source_refund_lines.subtotal) as subtotal,
        sum(source_refund_lines.total_tax) as total_tax,
        count(*) as refunded_lines,
        max(case when gift_cards.order_line_id is not null then 1 else 0 end) = 1 as has_gift_card
    from source_refund_lines
    left join gift_cards on source_refund_lines.order_line_id = gift_cards.order_line_id
    group by source_refund_lines.refund_id

),

tax_rules as (

    select distinct
        of_refund_id,
        holds_tax
    from {{ ref('shopify__refund_lines') }}

),

-- What went back without a line, or less than its lines come to, holds tax as the order, or those lines, do.
refunds as (

    select
        source_refunds.order_id,
        sum(
            cast(greatest(coalesce(refunded_lines.subtotal, 0) - coalesce(discrepancies.amount, 0), 0) as {{ double_type() }})
            * case
                when not source_orders.taxes_included or not tax_rules.holds_tax then 1
                when refunded_lines.subtotal > 0
                    then 1 - cast(refunded_lines.total_tax as {{ double_type() }}) / refunded_lines.subtotal
                when source_orders.subtotal_price > 0
                    then 1 - cast(coalesce(taxes.amount, 0) as {{ double_type() }}) / source_orders.subtotal_price
                else 1
            end
        ) as amount,
        sum(coalesce(refunded_lines.refunded_lines, 1)) as refunded_lines,
        max(case when refunded_lines.has_gift_card then 1 else 0 end) = 1 as has_gift_card
    from source_refunds
    inner join source_orders on source_refunds.order_id = source_orders.id
    left join refunded_lines on source_refunds.id = refunded_lines.refund_id
    left join discrepancies on source_refunds.id = discrepancies.refund_id
    left join taxes on source_refunds.order_id = taxes.order_id
    left join tax_rules on source_refunds.id = tax_rules.of_refund_id
    where {{ local_date('coalesce(source_refunds.processed_at, source_refunds.created_at)') }} <= {{ as_of_date() }}
    group by source_refunds.order_id

),

in_shopify as (

    select
        source_orders.id as order_id,
        source_orders.subtotal_price
        - coalesce(gift_card_sales.amount, 0)
        - case when source_orders.taxes_included then coalesce(taxes.amount, 0) else 0 end
        - coalesce(refunds.amount, 0) as net_sales,
        cast(
            case
                when source_orders.taxes_included then 0.005000 * (1 + coalesce(refunds.refunded_lines, 0)) else 0.000100
            end as {{ double_type() }}
        ) as tolerance
    from source_orders
    left join gift_card_sales on source_orders.id = gift_card_sales.order_id
    left join taxes on source_orders.id = taxes.order_id
    left join refunds on source_orders.id = refunds.order_id
    where not coalesce(refunds.has_gift_card, false) and source_orders.subtotal_price is not null

),

line_totals as (

    select
        order_id,
        sum(gross_amount + gross_remainder - discount_amount) as amount
    from {{ ref('int_order_lines') }}
    group by order_id

),

refund_totals as (

    select
        order_id,
        sum(refunded_amount) as amount
    from {{ ref('int_refunds') }}
    group by order_id

),

here as (

    select
        orders.order_id,
        line_totals.amount - orders.discount_amount - coalesce(refund_totals.amount, 0) as net_revenue
    from {{ ref('int_orders') }} as orders
    inner join line_totals on orders.order_id = line_totals.order_id
    left join refund_totals on orders.order_id = refund_totals.order_id
    where orders.is_paid

)

select
    here.order_id,
    here.net_revenue,
    in_shopify.net_sales
from here
inner join in_shopify on here.order_id = in_shopify.order_id
where abs(here.net_revenue - in_shopify.net_sales) > in_shopify.tolerance
