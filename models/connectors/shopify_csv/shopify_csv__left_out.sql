-- One row per raw table and reason: what the exports hold that is no row of the contract.
{{ config(enabled=is_connected('shopify_csv')) }}

with

exported as (

    {{ loaded('shopify_csv', 'orders_export') }}

),

orders_by_file as (

    select distinct
        source_name,
        source_file,
        name
    from exported

),

orders as (

    select distinct
        source_name,
        name
    from exported

),

items as (

    select
        is_gift_card,
        coalesce(lineitem_quantity, 1) = 0 as is_removed
    from {{ ref('shopify_csv__order_rows') }}
    where is_item

)

select
    'orders' as table_name,
    'a file with a later name has the order too' as reason,
    (select count(*) from orders_by_file) - (select count(*) from orders) as left_out_rows
union all
select
    'order_lines' as table_name,
    'gift card' as reason,
    count(*) as left_out_rows
from items
where is_gift_card
union all
select
    'order_lines' as table_name,
    'quantity 0: the item was taken out of the order' as reason,
    count(*) as left_out_rows
from items
where is_removed and not is_gift_card
