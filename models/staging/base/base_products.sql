-- One row per delivered row of raw.products, in its names, with its verdict.
{% set raw = raw_contract('products') %}

with

judged as (

    select
        *,
        {{ row_fault(raw) }} as row_fault
    from {{ raw_table('products') }}

),

ranked as (

    select
        judged.*,
        cast(null as {{ dbt.type_string() }}) as relation_fault,
        {{ version_rank(raw) }} as version_rank
    from judged

)

select
    {{ raw.columns | join(',\n    ') }},
    {{ repaired_from('price', 'price < 0') }} as price_repaired_from,
    {{ repaired_from('unit_cost', 'unit_cost < 0') }} as unit_cost_repaired_from,
    {{ verdict_columns(raw) }}
from ranked
