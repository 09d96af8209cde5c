-- One row per delivered row of raw.email_events that needs a verdict: it breaks the contract or shares its key with
-- another. All others are kept: stg_email_events reads them where they were delivered.
{{ config(**large_table('email_events')) }}
{% set columns = [
    'event_id',
    'customer_id',
    'email',
    'campaign_id',
    'event_type',
    'occurred_at'
] %}
{% set readable = ['occurred_at', 'loaded_at'] %}

with

keys_to_judge as (

    {{ keys_to_judge('email_events', 'event_id') }}

),

delivered as (

    {{ delivered_rows('email_events', 'event_id', columns, readable, row_fault=row_fault(
        required=['event_id', 'event_type', 'occurred_at'],
        readable=readable,
        forbidden={
            'unknown event_type': "event_type not in ('sent', 'delivered', 'open', 'click', 'unsubscribe', 'bounce', 'complaint')"
        }
    )) }}

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
        {{ version_rank(
            key=['judged.event_id'],
            order_by=[
                'judged.occurred_at',
                by_code_point('judged.customer_id'),
                by_code_point('judged.email'),
                by_code_point('judged.campaign_id'),
                by_code_point('judged.event_type')
            ]
        ) }} as version_rank
    from judged

)

select
    event_id,
    customer_id,
    email,
    campaign_id,
    event_type,
    occurred_at,
    key_hash,
    {{ columns_for_the_next_run('email_events') }}
    {{ verdict_columns(columns, readable, former_raw_values='former_raw_values') }}
from ranked
