-- One row per delivered row of raw.sessions that needs a row status: it breaks the contract or shares its key with
-- another. All others are kept: stg_sessions reads them where they were delivered.
{{ config(**large_table('sessions')) }}
{% set raw = raw_contract('sessions') %}

with

keys_to_validate as (

    {{ keys_to_validate(raw) }}

),

delivered as (

    {{ delivered_rows(raw, validation_error=validation_error(raw)) }}

),

validated as (

    select delivered.*
    from delivered
    left join keys_to_validate on delivered.key_hash = keys_to_validate.key_hash
    where {{ needs_row_status('sessions') }}

),

ranked as (

    select
        validated.*,
        cast(null as {{ dbt.type_string() }}) as orphan_error,
        {{ version_rank(raw, earliest='started_at') }} as version_rank
    from validated

)

select
    {{ raw.columns | join(',\n    ') }},
    key_hash,
    {{ row_status_columns(raw, former_raw_values='former_raw_values') }}
from ranked
