-- One row per delivered row of raw.sessions, with its verdict.
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

judged as (

    select
        *,
        {{ row_fault(
            required=['session_id', 'visitor_id', 'started_at'],
            readable=readable
        ) }} as row_fault
    from {{ source('raw', 'sessions') }}

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
    customer_id as account_id,
    started_at,
    {{ local_date('started_at') }} as started_on,
    channel,
    device,
    coalesce(is_bot, false) as is_bot,
    {{ verdict_columns(columns, readable) }}
from ranked
