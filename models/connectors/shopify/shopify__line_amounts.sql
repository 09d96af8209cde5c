-- One row per line of an order, with its amounts as Shopify has them: they hold tax where the order's prices do.
{{ config(enabled=is_connected('shopify'), materialized='table') }}

with

order_lines as (

    {{ newest_loaded('shopify', 'order_line') }}

),

orders as (

    {{ newest_loaded('shopify', 'order') }}

),

allocations as (

    {{ newest_loaded('shopify', 'discount_allocation') }}

),

tax_lines as (

    {{ newest_loaded('shopify', 'tax_line') }}

),

line_allocations as (

    select
        order_line_id,
        sum(amount) as discount,
        max(_fivetran_synced) as loaded_at,
        max(source_error) as source_error
    from allocations
    group by order_line_id

),

line_taxes as (

    select
        order_line_id,
        sum(price) as tax,
        max(_fivetran_synced) as loaded_at,
        max(source_error) as source_error
    from tax_lines
    group by order_line_id

),

-- total_discount misses what a code of the whole order takes off the line, and serves where there is nothing else.
priced as (

    select
        order_lines.id as order_line_id,
        order_lines.order_id,
        coalesce(order_lines.variant_id, order_lines.product_id) as product_id,
        order_lines.quantity,
        coalesce(order_lines.gift_card, false) as is_gift_card,
        coalesce(
            order_lines.price,
            {{ quotient('order_lines.original_total_set_shop_amount', 'order_lines.quantity', 6) }},
            case when order_lines.quantity = 0 then 0 end
        ) as unit_price,
        cast(
            coalesce(order_lines.original_total_set_shop_amount, {{ exact_product('order_lines.quantity', 'order_lines.price') }})
            as {{ decimal_type(18, 6) }}
        ) as line_total,
        cast(
            case
                when order_lines.source_name in (select allocations.source_name from allocations)
                    then coalesce(line_allocations.discount, 0)
                else coalesce(order_lines.total_discount, 0)
            end as {{ decimal_type(18, 6) }}
        ) as discount,
        cast(case when orders.taxes_included then coalesce(line_taxes.tax, 0) else 0 end as {{ decimal_type(18, 6) }}) as tax,
        orders.subtotal_price,
        orders.updated_at,
        {{ latest_of([
            'order_lines._fivetran_synced', 'orders._fivetran_synced', 'line_allocations.loaded_at', 'line_taxes.loaded_at'
        ]) }} as loaded_at,
        coalesce(order_lines.source_error, line_allocations.source_error, line_taxes.source_error) as source_error
    from order_lines
    left join orders on order_lines.order_id = orders.id
    left join line_allocations on order_lines.id = line_allocations.order_line_id
    left join line_taxes on order_lines.id = line_taxes.order_line_id

),

totals as (

    select
        order_id,
        cast(sum(line_total - discount) as {{ decimal_type(18, 6) }}) as lines_net,
        cast(sum(tax) as {{ decimal_type(18, 6) }}) as order_tax,
        max(subtotal_price) as subtotal_price,
        max(loaded_at) as loaded_at
    from priced
    group by order_id

),

-- subtotal_price is after all discounts on goods, and total_discounts would hold those on shipping too.
discounted as (

    select
        order_id,
        lines_net,
        order_tax,
        loaded_at,
        case when lines_net > subtotal_price then lines_net - subtotal_price else 0 end as order_discount
    from totals

)

select
    priced.order_line_id,
    priced.order_id,
    priced.product_id,
    priced.is_gift_card,
    priced.quantity,
    priced.unit_price,
    priced.line_total,
    priced.discount,
    priced.tax,
    cast(discounted.order_discount as {{ decimal_type(18, 6) }}) as order_discount,
    cast(
        case
            when discounted.order_discount = 0 then priced.line_total - priced.discount
            else {{ quotient(
                'cast(' ~ exact_product('priced.line_total - priced.discount', 'discounted.lines_net - discounted.order_discount')
                ~ ' as ' ~ decimal_type(28, 6) ~ ')', 'discounted.lines_net', 6
            ) }}
        end as {{ decimal_type(18, 6) }}
    ) as taxable,
    cast(discounted.lines_net - discounted.order_discount as {{ decimal_type(18, 6) }}) as order_taxable,
    discounted.order_tax,
    priced.updated_at,
    discounted.loaded_at,
    priced.source_error
from priced
left join discounted on priced.order_id = discounted.order_id
