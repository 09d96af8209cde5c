-- One row per SKU. The exports have no ids of products.
{{ config(enabled=is_connected('shopify_csv')) }}

with

skus as (

    select
        sku,
        product_id
    from {{ ref('shopify_csv__product_rows') }}
    union all
    select
        sku,
        product_id
    from {{ ref('shopify_csv__order_rows') }}

)

select distinct
    sku as product_key,
    product_id,
    3 as priority
from skus
where sku is not null
