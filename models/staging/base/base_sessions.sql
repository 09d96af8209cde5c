-- One row per delivered row of raw.sessions that needs a verdict: it breaks the contract or shares its key with
-- another. All others are kept: stg_sessions reads them where they were delivered.
{{ config(**large_table('sessions')) }}
{% set raw = raw_contract('sessions') %}

with

keys_to_judge as (

    {{ keys_to_judge(raw) }}

),

delivered as (

    {{ delivered_rows(raw, row_fault=row_fault(raw)) }}

),

judged as (

    select delivered.*
    from delivered
    left join keys_to_judge on delivered.key_hash = keys_to_judge.key_hash
    where {{ needs_verdict('sessions') }}

),

ranked as (

    select
        judged.*,
        cast(null as {{ dbt.type_string() }}) as relation_fault,
        {{ version_rank(raw, earliest='started_at') }} as version_rank
    from judged

)

select
    {{ raw.columns | join(',\n    ') }},
    key_hash,
    {{ verdict_columns(raw, former_raw_values='former_raw_values') }}
from ranked
