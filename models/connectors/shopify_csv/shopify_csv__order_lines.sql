-- One row per item of an order. Items have no id in the export: what they are stands for it, and their number among equals.
{{ config(enabled=is_connected('shopify_csv'), materialized='table') }}

with

items as (

    select * from {{ ref('shopify_csv__order_rows') }}
    where is_item

),

orders as (

    select * from {{ ref('shopify_csv__order_heads') }}

),

hashed as (

    select
        items.*,
        {{ sha256_hex(dbt.concat([
            "coalesce(sku, '')", "'|'", "coalesce(lineitem_name, '')", "'|'",
            "coalesce(cast(cast(lineitem_price as " ~ decimal_type(18, 6) ~ ") as " ~ dbt.type_string() ~ "), '')"
        ])) }} as item_hash
    from items

),

numbered as (

    select
        hashed.*,
        row_number() over (
            partition by source_name, order_id, item_hash
            order by lineitem_quantity, lineitem_discount, lineitem_compare_at_price, source_error
        ) as place
    from hashed

)

select
    {{ dbt.concat([
        'numbered.order_id', "':'", 'substr(numbered.item_hash, 1, 16)', "':'",
        'cast(numbered.place as ' ~ dbt.type_string() ~ ')'
    ]) }} as order_line_id,
    numbered.order_id,
    numbered.product_id,
    numbered.lineitem_quantity as quantity,
    {{ net_of_tax('numbered.lineitem_price') }} as unit_price,
    {{ net_of_tax('numbered.lineitem_compare_at_price') }} as list_price,
    {{ net_of_tax('numbered.lineitem_discount') }} as discount_amount,
    orders.updated_at,
    {{ cannot_tell('order_lines', ['unit_cost', 'is_deleted', 'loaded_at']) }},
    numbered.source_error
from numbered
inner join orders on numbered.source_name = orders.source_name and numbered.order_id = orders.order_id
where not numbered.is_gift_card and coalesce(numbered.lineitem_quantity, 1) <> 0
