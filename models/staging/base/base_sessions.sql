-- One row per delivered row of raw.sessions that needs a verdict: it breaks the contract or shares its key with
-- another. All others are kept: stg_sessions reads them where they were delivered.
{% set columns = [
    'session_id',
    'visitor_id',
    'customer_id',
    'started_at',
    'channel',
    'device',
    'is_bot'
] %}
{% set readable = ['started_at', 'is_bot', 'loaded_at'] %}

with

repeated_keys as (

    {{ repeated_keys(source('raw', 'sessions'), 'session_id') }}

),

delivered as (

    select
        *,
        {{ key_hash('session_id') }} as key_hash,
        {{ row_fault(
            required=['session_id', 'visitor_id', 'started_at'],
            readable=readable
        ) }} as row_fault
    from {{ source('raw', 'sessions') }}

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
            key=['judged.session_id'],
            order_by=[
                'judged.started_at',
                by_code_point('judged.visitor_id'),
                by_code_point('judged.customer_id'),
                by_code_point('judged.channel'),
                by_code_point('judged.device'),
                'judged.is_bot'
            ]
        ) }} as version_rank
    from judged

)

select
    session_id,
    visitor_id,
    customer_id,
    started_at,
    channel,
    device,
    is_bot,
    key_hash,
    {{ verdict_columns(columns, readable) }}
from ranked
