-- One row per delivered row of raw.custom_traits, in its names, with its row status.
{% set raw = raw_contract('custom_traits') %}

with

validated as (

    select
        *,
        {{ validation_error(raw, forbidden=custom_trait_faults()) }} as validation_error
    from {{ raw_table('custom_traits') }}

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
