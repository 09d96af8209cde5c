-- One row per delivered row of raw.products, with its verdict.
{% set columns = [
    'product_id',
    'product_name',
    'category',
    'price',
    'unit_cost',
    'updated_at'
] %}
{% set readable = ['updated_at', 'loaded_at'] %}
{% set descriptive = ['price', 'unit_cost'] %}

with

judged as (

    select
        *,
        {{ row_fault(
            required=['product_id', 'updated_at'],
            readable=readable
        ) }} as row_fault
    from {{ source('raw', 'products') }}

),

ranked as (

    select
        judged.*,
        cast(null as {{ dbt.type_string() }}) as relation_fault,
        {{ version_rank(
            key=['judged.product_id'],
            order_by=[
                'judged.updated_at desc',
                by_code_point('judged.product_name'),
                by_code_point('judged.category'),
                'judged.price',
                'judged.unit_cost'
            ],
            descriptive=descriptive
        ) }} as version_rank
    from judged

)

select
    product_id,
    product_name,
    category,
    case when price >= 0 then price end as price,
    case when unit_cost >= 0 then unit_cost end as unit_cost,
    updated_at,
    {{ repaired_from('price', 'price < 0') }} as price_repaired_from,
    {{ repaired_from('unit_cost', 'unit_cost < 0') }} as unit_cost_repaired_from,
    {{ verdict_columns(columns, readable + descriptive) }}
from ranked
