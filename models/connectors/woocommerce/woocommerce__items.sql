-- One row per item of an order or refund: products, and what else stands in it, such as shipping.
{{ config(enabled=is_connected('woocommerce'), materialized='table') }}

with

items as (

    {{ newest_loaded('woocommerce', 'woocommerce_order_items') }}

),

item_values as (

    {{ woocommerce_meta('woocommerce_order_itemmeta', 'order_item_id', [
        '_qty', '_line_subtotal', '_line_total', '_line_tax', '_product_id', '_variation_id', '_refunded_item_id', '_cogs_value', 'cost'
    ]) }}

),

numbers as (

    select
        items.order_item_id,
        items.order_id,
        items.order_item_type,
        items.order_item_name,
        coalesce(
            {{ woocommerce_id('item_values.variation_id', 'items.id_prefix') }},
            {{ woocommerce_id('item_values.product_id', 'items.id_prefix') }}
        ) as product_id,
        {{ woocommerce_id('item_values.refunded_item_id', 'items.id_prefix') }} as refunded_item_id,
        {%- for number in ['qty', 'line_subtotal', 'line_total', 'line_tax', 'cogs_value', 'cost'] %}
        {{ woocommerce_number('item_values.' ~ number) }} as {{ number }},
        {%- endfor %}
        case
            {%- for number in ['qty', 'line_subtotal', 'line_total'] %}
            when item_values.{{ number }} is not null and {{ woocommerce_number('item_values.' ~ number) }} is null
                then 'unreadable _{{ number }}'
            {%- endfor %}
        end as value_error,
        {{ is_deleted_in_source('items') }} as is_deleted,
        {{ latest_of(['items._fivetran_synced', 'item_values.loaded_at']) }} as loaded_at,
        items.source_error
    from items
    left join item_values on items.order_item_id = item_values.order_item_id

)

select
    order_item_id,
    order_id,
    order_item_type,
    order_item_name,
    product_id,
    refunded_item_id,
    qty as quantity,
    -- WooCommerce reads it so: older items have no subtotal.
    coalesce(line_subtotal, line_total) as subtotal_amount,
    line_total as total_amount,
    cogs_value as cost_amount,
    coalesce(line_total, 0) <> 0 or coalesce(line_tax, 0) <> 0 or coalesce(cost, 0) <> 0 as has_amount,
    is_deleted,
    loaded_at,
    coalesce(source_error, value_error) as source_error
from numbers
