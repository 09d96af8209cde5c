-- One row per id or SKU that names a product.
{{ config(enabled=is_connected('woocommerce')) }}

with

posts as (

    {{ woocommerce_rows('posts') }}

),

post_values as (

    {{ woocommerce_meta('postmeta', 'post_id', ['_sku']) }}

),

products as (

    select * from posts
    where post_type in ('product', 'product_variation') and coalesce(post_status, '') <> 'auto-draft'

)

select
    {{ without_prefix('id') }} as product_key,
    id as product_id,
    1 as priority
from products
union all
select
    post_values.sku as product_key,
    products.id as product_id,
    3 as priority
from products
inner join post_values on products.id = post_values.post_id
where post_values.sku is not null
