-- One row per delivered row of raw.products, in its names, with its row status.
{% set raw = raw_contract('products') %}

with

validated as (

    select
        *,
        {{ validation_error(raw) }} as validation_error
    from {{ raw_table('products') }}

),

ranked as (

    select
        validated.*,
        cast(null as {{ dbt.type_string() }}) as orphan_error,
        {{ version_rank(raw) }} as version_rank
    from validated

)

select
    {{ raw.columns | join(',\n    ') }},
    {{ repaired_from('price', 'price < 0') }} as price_repaired_from,
    {{ repaired_from('unit_cost', 'unit_cost < 0') }} as unit_cost_repaired_from,
    {{ row_status_columns(raw) }}
from ranked
