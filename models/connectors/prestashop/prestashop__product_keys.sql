-- One row per id or SKU by which another system may name a product, with the product that it means.
{{ config(enabled=is_connected('prestashop')) }}

with

products as (

    {{ loaded('prestashop', 'product') }}

),

combinations as (

    {{ loaded('prestashop', 'product_attribute') }}

),

first_combinations as (

    select
        *,
        {{ prestashop_product_id('id_product', 'id_product_attribute') }} as product_id,
        row_number() over (
            partition by id_product
            order by
                case when default_on then 0 else 1 end,
                length(id_product_attribute),
                {{ binary_collation('id_product_attribute') }}
        ) as place
    from combinations

),

units as (

    select
        products.id_product,
        coalesce(first_combinations.product_id, products.id_product) as product_id,
        coalesce(first_combinations.reference, products.reference) as reference,
        coalesce(first_combinations.place, 1) as place,
        products.id_prefix
    from products
    left join first_combinations on products.id_product = first_combinations.id_product

)

select
    {{ without_prefix('product_id', 'id_prefix') }} as product_key,
    product_id,
    1 as priority
from units

union all

select
    {{ without_prefix('id_product', 'id_prefix') }} as product_key,
    product_id,
    2 as priority
from units
where place = 1

union all

select
    reference as product_key,
    product_id,
    3 as priority
from units
where reference is not null
