-- One row per delivered row of raw.web_events that needs a verdict: it breaks the contract or shares its key with
-- another. All others are kept: stg_web_events reads them where they were delivered.
{% set columns = [
    'event_id',
    'session_id',
    'event_type',
    'product_id',
    'occurred_at'
] %}
{% set readable = ['occurred_at', 'loaded_at'] %}

with

repeated_keys as (

    {{ repeated_keys(source('raw', 'web_events'), 'event_id') }}

),

delivered as (

    select
        *,
        {{ key_hash('event_id') }} as key_hash,
        {{ row_fault(
            required=['event_id', 'session_id', 'event_type', 'occurred_at'],
            readable=readable
        ) }} as row_fault
    from {{ source('raw', 'web_events') }}

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
                by_code_point('judged.session_id'),
                by_code_point('judged.event_type'),
                by_code_point('judged.product_id')
            ]
        ) }} as version_rank
    from judged

)

select
    event_id,
    session_id,
    event_type,
    product_id,
    occurred_at,
    key_hash,
    {{ verdict_columns(columns, readable) }}
from ranked
