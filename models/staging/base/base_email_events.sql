-- One row per delivered row of raw.email_events that needs a row status: it breaks the contract or shares its key with
-- another. All others are kept: stg_email_events reads them where they were delivered.
{{ config(**large_table('email_events')) }}
{% set raw = raw_contract('email_events') %}

with

keys_to_validate as (

    {{ keys_to_validate(raw) }}

),

delivered as (

    {{ delivered_rows(raw, validation_error=validation_error(raw, forbidden={
            'unknown event_type': "event_type not in ('sent', 'delivered', 'open', 'click', 'unsubscribe', 'bounce', 'complaint')"
        })) }}

),

validated as (

    select delivered.*
    from delivered
    left join keys_to_validate on delivered.key_hash = keys_to_validate.key_hash
    where {{ needs_row_status('email_events') }}

),

ranked as (

    select
        validated.*,
        cast(null as {{ dbt.type_string() }}) as orphan_error,
        {{ version_rank(raw, earliest='occurred_at') }} as version_rank
    from validated

)

select
    {{ raw.columns | join(',\n    ') }},
    key_hash,
    {{ columns_for_the_next_run('email_events') }}
    {{ row_status_columns(raw, former_raw_values='former_raw_values') }}
from ranked
