-- One row per delivered row of raw.exchange_rates, in its names, with its row status.
{% set raw = raw_contract('exchange_rates') %}

with

validated as (

    select
        *,
        {{ validation_error(raw, forbidden={
            'rate not above 0': "rate <= 0"
        }) }} as validation_error
    from {{ raw_table('exchange_rates') }}

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
    {{ row_status_columns(raw) }}
from ranked
