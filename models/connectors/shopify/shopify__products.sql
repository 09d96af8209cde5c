-- One row per variant, and per product that order lines name without a variant. Deleted ones stay: past sales need a category.
{{ config(enabled=is_connected('shopify')) }}

with

products as (

    {{ newest_loaded('shopify', 'product') }}

),

variants as (

    {{ newest_loaded('shopify', 'product_variant') }}

),

inventory_items as (

    {{ newest_loaded('shopify', 'inventory_item') }}

),

order_lines as (

    {{ loaded('shopify', 'order_line') }}

),

orders as (

    {{ loaded('shopify', 'order') }}

),

shops as (

    {{ loaded('shopify', 'shop') }}

),

known_currencies as (

    select
        source_name,
        currency,
        row_number() over (partition by source_name order by is_of_shop desc, known_at desc nulls last, currency asc) as place
    from (
        select
            source_name,
            currency,
            1 as is_of_shop,
            cast(null as {{ dbt.type_timestamp() }}) as known_at
        from shops
        where not coalesce(_fivetran_deleted, false)
        union all
        select
            source_name,
            currency,
            0 as is_of_shop,
            coalesce(processed_at, created_at) as known_at
        from orders
    ) as currencies
    where currency is not null

),

currencies as (

    select * from known_currencies
    where place = 1

),

sold as (

    select
        coalesce(variant_id, product_id) as product_id,
        max(case when gift_card then 1 else 0 end) = 1 as is_gift_card,
        max(case when variant_id is null then 1 else 0 end) = 1 as is_without_variant
    from order_lines
    where coalesce(variant_id, product_id) is not null
    group by coalesce(variant_id, product_id)

),

sellable as (

    select
        variants.id as product_id,
        products.title,
        products.product_type,
        case when variants.title <> 'Default Title' then variants.title end as variant_title,
        variants.price,
        case
            when coalesce(inventory_items.unit_cost_currency_code, currencies.currency) = '{{ var("reporting_currency") }}'
                then inventory_items.unit_cost_amount
        end as unit_cost,
        currencies.currency,
        {{ latest_of(['products.updated_at', 'variants.updated_at', 'inventory_items.updated_at']) }} as updated_at,
        {{ latest_of([
            'products._fivetran_synced', 'variants._fivetran_synced', 'inventory_items._fivetran_synced'
        ]) }} as loaded_at,
        coalesce(products.source_error, variants.source_error, inventory_items.source_error) as source_error
    from variants
    left join products on variants.product_id = products.id
    left join inventory_items on variants.inventory_item_id = inventory_items.id
    left join currencies on variants.source_name = currencies.source_name
    union all
    select
        products.id as product_id,
        products.title,
        products.product_type,
        null as variant_title,
        null as price,
        null as unit_cost,
        null as currency,
        products.updated_at,
        products._fivetran_synced as loaded_at,
        products.source_error
    from products
    inner join sold on products.id = sold.product_id
    where sold.is_without_variant

)

select
    sellable.product_id,
    case
        when sellable.variant_title is null then sellable.title
        else {{ dbt.concat(['sellable.title', "' - '", 'sellable.variant_title']) }}
    end as product_name,
    sellable.product_type as category,
    sold.is_gift_card,
    case when sellable.currency = '{{ var("reporting_currency") }}' then sellable.price end as price,
    sellable.unit_cost,
    sellable.updated_at,
    {{ cannot_tell('products', ['is_deleted']) }},
    sellable.loaded_at,
    sellable.source_error
from sellable
left join sold on sellable.product_id = sold.product_id
