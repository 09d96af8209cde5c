-- One row per product among the top fifth by price: fewer than 20 % of the products with a price cost more.
with

products as (

    select
        product_id,
        rank() over (order by price desc) - 1 as dearer_products,
        count(*) over () as priced_products
    from {{ ref('stg_products') }}
    where price is not null

)

select product_id
from products
where 5 * dearer_products < priced_products
