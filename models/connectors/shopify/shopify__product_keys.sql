-- One row per id or SKU and product that other systems may mean by it.
{{ config(enabled=is_connected('shopify')) }}

with

variants as (

    {{ loaded('shopify', 'product_variant') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by product_id order by {{ adapter.quote('position') }} nulls last, {{ binary_collation('id') }}
        ) as place
    from variants

)

select
    {{ without_prefix('id') }} as product_key,
    id as product_id,
    1 as priority
from ranked
union all
select
    {{ without_prefix('product_id') }} as product_key,
    id as product_id,
    2 as priority
from ranked
where place = 1
union all
select
    sku as product_key,
    id as product_id,
    3 as priority
from ranked
where sku is not null
