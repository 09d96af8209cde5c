-- One row per delivered row of raw.products, with its verdict.
{% set columns = [
    'product_id',
    'product_name',
    'category',
    'is_gift_card',
    'price',
    'unit_cost',
    'updated_at',
    'is_deleted'
] %}
{% set readable = ['is_gift_card', 'updated_at', 'is_deleted', 'loaded_at'] %}
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
                by_code_point('judged.product_name'),
                by_code_point('judged.category'),
                'judged.is_gift_card',
                'judged.price',
                'judged.unit_cost'
            ],
            descriptive=descriptive,
            has_versions=true
        ) }} as version_rank
    from judged

)

select
    product_id,
    product_name,
    category,
    coalesce(is_gift_card, false) as is_gift_card,
    case when price >= 0 then price end as price,
    case when unit_cost >= 0 then unit_cost end as unit_cost,
    updated_at,
    {{ repaired_from('price', 'price < 0') }} as price_repaired_from,
    {{ repaired_from('unit_cost', 'unit_cost < 0') }} as unit_cost_repaired_from,
    {{ verdict_columns(columns, readable + descriptive, versions_of=['product_id']) }}
from ranked
