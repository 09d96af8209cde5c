-- One row per raw table and reason: rows of the source that are none of the contract.
{{ config(enabled=is_connected('woocommerce')) }}

with

stored_orders as (

    select * from {{ ref('woocommerce__stored_orders') }}

),

items as (

    select
        items.*,
        coalesce(products.is_gift_card, false) as is_gift_card
    from {{ ref('woocommerce__items') }} as items
    left join {{ ref('woocommerce__products') }} as products on items.product_id = products.product_id
    where not items.is_deleted

),

-- Other things have items too, such as subscriptions. Those of a deleted order are rows that say so.
known as (

    select distinct id
    from (
        select id from ({{ loaded('woocommerce', 'wc_orders') }}) as own_tables
        union all
        select id from ({{ loaded('woocommerce', 'posts') }}) as posts
    ) as ids

),

refunds as (

    select
        refunds.order_id,
        orders.order_id is null as is_orphan
    from stored_orders as refunds
    left join stored_orders as orders on refunds.parent_order_id = orders.order_id and orders.order_type = 'shop_order'
    where refunds.order_type = 'shop_order_refund' and not refunds.is_deleted

),

reasons as (

    select
        'orders' as table_name,
        'drafts that nobody has placed' as reason
    from stored_orders
    where order_type = 'shop_order' and status = 'draft' and not is_deleted
    union all
    select
        'order_lines' as table_name,
        'items of a draft' as reason
    from items
    inner join stored_orders as orders on items.order_id = orders.order_id
    where items.order_item_type = 'line_item' and orders.order_type = 'shop_order' and orders.status = 'draft'
    union all
    select
        'order_lines' as table_name,
        'items of an order that is not there' as reason
    from items
    left join known on items.order_id = known.id
    where items.order_item_type = 'line_item' and known.id is null
    union all
    select
        'refunds' as table_name,
        'refunds of an order that is not there' as reason
    from refunds
    where is_orphan
    union all
    select
        'refunds' as table_name,
        case
            when items.is_gift_card then 'refunds of gift cards'
            else 'items that went back without money'
        end as reason
    from items
    inner join refunds on items.order_id = refunds.order_id
    where items.order_item_type = 'line_item' and not refunds.is_orphan and (items.is_gift_card or items.total_amount = 0)
    union all
    select
        'refunds' as table_name,
        'refunds of shipping and fees' as reason
    from items
    inner join refunds on items.order_id = refunds.order_id
    where items.order_item_type in ('shipping', 'fee') and items.has_amount and not refunds.is_orphan

)

select
    table_name,
    reason,
    count(*) as left_out_rows
from reasons
group by table_name, reason
