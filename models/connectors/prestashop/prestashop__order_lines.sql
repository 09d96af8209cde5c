-- One row per line of an order. The price of a unit is its own: the total of a line is rounded, as the shop is set.
{{ config(enabled=is_connected('prestashop'), materialized='table') }}

with

order_lines as (

    {{ newest_loaded('prestashop', 'order_detail') }}

),

orders as (

    {{ newest_loaded('prestashop', 'orders') }}

)

select
    order_lines.id_order_detail as order_line_id,
    order_lines.id_order as order_id,
    {{ prestashop_product_id(
        prestashop_known_id('order_lines.product_id', 'order_lines.id_prefix'), 'order_lines.product_attribute_id'
    ) }} as product_id,
    order_lines.product_quantity as quantity,
    order_lines.unit_price_tax_excl as unit_price,
    case
        when order_lines.original_product_price > order_lines.unit_price_tax_excl then order_lines.original_product_price
    end as list_price,
    {{ cannot_tell('order_lines', ['discount_amount']) }},
    -- Costs are in the shop's own currency.
    cast(
        nullif(order_lines.purchase_supplier_price, 0) * coalesce(nullif(orders.conversion_rate, 0), 1)
        as {{ decimal_type(18, 6) }}
    ) as unit_cost,
    {{ prestashop_moment('coalesce(orders.date_upd, orders.date_add)', 'orders.source_name') }} as updated_at,
    {{ is_deleted_in_source('order_lines') }} as is_deleted,
    order_lines.loaded_at,
    order_lines.source_error
from order_lines
left join orders on order_lines.id_order = orders.id_order
