-- One row per variant; where an entry has no products export, per item that was sold.
{{ config(enabled=is_connected('shopify_csv')) }}

with

exported as (

    select * from {{ ref('shopify_csv__product_rows') }}

),

order_rows as (

    select * from {{ ref('shopify_csv__order_rows') }}

),

orders as (

    select * from {{ ref('shopify_csv__order_heads') }}

),

-- Prices and costs of products are in the shop's currency, which the export does not name.
shops as (

    select
        source_name,
        min(created_at) as first_ordered_at,
        max(case when currency = '{{ var("reporting_currency") }}' then 1 else 0 end) = 1 as sells_in_reporting_currency
    from orders
    group by source_name

),

sold as (

    select
        order_rows.source_name,
        order_rows.product_id,
        order_rows.lineitem_name,
        orders.currency,
        orders.updated_at,
        {{ net_of_tax('order_rows.lineitem_price') }} as price,
        row_number() over (
            partition by order_rows.source_name, order_rows.product_id
            order by
                orders.created_at desc,
                {{ binary_collation('order_rows.order_id') }},
                {{ binary_collation('order_rows.lineitem_name') }},
                order_rows.lineitem_price
        ) as place
    from order_rows
    inner join orders on order_rows.source_name = orders.source_name and order_rows.order_id = orders.order_id
    where
        order_rows.is_item
        and not order_rows.is_gift_card
        and order_rows.source_name not in (select exported.source_name from exported)

),

products as (

    select
        exported.product_id,
        exported.product_name,
        exported.category,
        exported.is_gift_card,
        case when shops.sells_in_reporting_currency then exported.price end as price,
        case when shops.sells_in_reporting_currency then exported.unit_cost end as unit_cost,
        shops.first_ordered_at as updated_at,
        exported.source_error
    from exported
    left join shops on exported.source_name = shops.source_name
    union all
    select
        product_id,
        lineitem_name as product_name,
        {{ cannot_tell('products', ['category']) }},
        false as is_gift_card,
        case when currency = '{{ var("reporting_currency") }}' then price end as price,
        {{ cannot_tell('products', ['unit_cost']) }},
        updated_at,
        cast(null as {{ dbt.type_string() }}) as source_error
    from sold
    where place = 1

)

select
    product_id,
    product_name,
    category,
    is_gift_card,
    price,
    unit_cost,
    updated_at,
    {{ cannot_tell('products', ['is_deleted', 'loaded_at']) }},
    source_error
from products
