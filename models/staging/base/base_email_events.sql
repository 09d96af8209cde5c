-- One row per delivered row of raw.email_events that needs a verdict: it breaks the contract or shares its key with
-- another. All others are kept: stg_email_events reads them where they were delivered.
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

repeated_keys as (

    {{ repeated_keys(source('raw', 'email_events'), 'event_id') }}

),

delivered as (

    select
        *,
        {{ key_hash('event_id') }} as key_hash,
        {{ row_fault(
            required=['event_id', 'event_type', 'occurred_at'],
            readable=readable,
            forbidden={
                'unknown event_type': "event_type not in ('sent', 'delivered', 'open', 'click', 'unsubscribe', 'bounce', 'complaint')"
            }
        ) }} as row_fault
    from {{ source('raw', 'email_events') }}

),

judged as (

    select delivered.*
    from delivered
    left join repeated_keys on delivered.key_hash = repeated_keys.key_hash
    where delivered.row_fault is not null or repeated_keys.key_hash is not null

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
    {{ verdict_columns(columns, readable) }}
from ranked
