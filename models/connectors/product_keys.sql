-- One row per id or SKU by which another system, such as an analytics tool, may name a product: the product that it means.
{{ config(enabled=connectors() != []) }}

with

keys as (

    {% for connector in connectors_of('product_keys') %}
    select
        product_key,
        product_id,
        priority
    from {{ ref(connector ~ '__product_keys') }}
    union all
    {% endfor %}
    select
        product_id as product_key,
        product_id,
        1 as priority
    from {{ own_raw_table('products') }}

),

ranked as (

    select
        *,
        row_number() over (partition by product_key order by priority, {{ binary_collation('product_id') }}) as place
    from keys
    where product_key is not null and product_id is not null

)

select
    product_key,
    product_id
from ranked
where place = 1
