-- One row per delivered row of raw.email_events that needs a verdict: it breaks the contract or shares its key with
-- another. All others are kept: stg_email_events reads them where they were delivered.
{{ config(**large_table('email_events')) }}
{% set raw = raw_contract('email_events') %}

with

keys_to_judge as (

    {{ keys_to_judge(raw) }}

),

delivered as (

    {{ delivered_rows(raw, row_fault=row_fault(raw, forbidden={
            'unknown event_type': "event_type not in ('sent', 'delivered', 'open', 'click', 'unsubscribe', 'bounce', 'complaint')"
        })) }}

),

judged as (

    select delivered.*
    from delivered
    left join keys_to_judge on delivered.key_hash = keys_to_judge.key_hash
    where {{ needs_verdict('email_events') }}

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
    {{ columns_for_the_next_run('email_events') }}
    {{ verdict_columns(raw, former_raw_values='former_raw_values') }}
from ranked
