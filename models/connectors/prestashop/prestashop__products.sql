-- One row per combination of a product, and per product that has none or was sold without one.
{{ config(enabled=is_connected('prestashop')) }}

with

products as (

    {{ newest_loaded('prestashop', 'product') }}

),

combinations as (

    {{ newest_loaded('prestashop', 'product_attribute') }}

),

order_lines as (

    {{ loaded('prestashop', 'order_detail') }}

),

currencies as (

    {{ loaded('prestashop', 'currency') }}

),

product_names as (

    {{ loaded('prestashop', 'product_lang') }}

),

category_names as (

    {{ loaded('prestashop', 'category_lang') }}

),

named_products as (

    {{ prestashop_names('product_names', 'id_product') }}

),

named_categories as (

    {{ prestashop_names('category_names', 'id_category') }}

),

sold_products as (

    select distinct product_id as id_product from order_lines
    where coalesce(product_attribute_id, '0') = '0'

),

products_with_combinations as (

    select distinct id_product from combinations

),

-- The shop's own currency has the rate 1: only amounts in the reporting currency are prices and costs of the contract.
priced_sources as (

    select distinct source_name from currencies
    where iso_code = '{{ var("reporting_currency") }}' and coalesce(conversion_rate, 1) = 1

),

sold_units as (

    select
        products.id_product,
        combinations.id_product_attribute,
        products.price + coalesce(combinations.price, 0) as price,
        coalesce(nullif(combinations.wholesale_price, 0), nullif(products.wholesale_price, 0)) as unit_cost,
        coalesce(combinations.loaded_at, products.loaded_at) as loaded_at,
        coalesce(products.source_error, combinations.source_error) as source_error
    from products
    inner join combinations on products.id_product = combinations.id_product

    union all

    select
        products.id_product,
        null as id_product_attribute,
        products.price,
        nullif(products.wholesale_price, 0) as unit_cost,
        products.loaded_at,
        products.source_error
    from products
    left join products_with_combinations on products.id_product = products_with_combinations.id_product
    left join sold_products on products.id_product = sold_products.id_product
    where products_with_combinations.id_product is null or sold_products.id_product is not null

)

select
    {{ prestashop_product_id('sold_units.id_product', 'sold_units.id_product_attribute') }} as product_id,
    named_products.name as product_name,
    named_categories.name as category,
    case
        when priced_sources.source_name is not null then cast(sold_units.price as {{ decimal_type(18, 6) }})
    end as price,
    case
        when priced_sources.source_name is not null then cast(sold_units.unit_cost as {{ decimal_type(18, 6) }})
    end as unit_cost,
    {{ cannot_tell('products', ['is_gift_card', 'is_deleted']) }},
    {{ prestashop_moment('coalesce(products.date_upd, products.date_add)', 'products.source_name') }} as updated_at,
    sold_units.loaded_at,
    sold_units.source_error
from sold_units
inner join products on sold_units.id_product = products.id_product
left join named_products on products.id_product = named_products.id_product and named_products.place = 1
left join named_categories on products.id_category_default = named_categories.id_category and named_categories.place = 1
left join priced_sources on products.source_name = priced_sources.source_name
