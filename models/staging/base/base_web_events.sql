-- One row per delivered row of raw.web_events that needs a verdict: it breaks the contract or shares its key with
-- another. All others are kept: stg_web_events reads them where they were delivered.
{{ config(**large_table('web_events')) }}
{% set raw = raw_contract('web_events') %}

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
    where {{ needs_verdict('web_events') }}

),

ranked as (

    select
        judged.*,
        cast(null as {{ dbt.type_string() }}) as relation_fault,
        {{ version_rank(raw, earliest='occurred_at') }} as version_rank
    from judged

)

select
    {{ raw.columns | join(',\n    ') }},
    key_hash,
    {{ columns_for_the_next_run('web_events') }}
    {{ verdict_columns(raw, former_raw_values='former_raw_values') }}
from ranked
