-- One row per delivered row of raw.web_events, with its verdict.
{% set columns = [
    'event_id',
    'session_id',
    'event_type',
    'product_id',
    'occurred_at'
] %}
{% set readable = ['occurred_at', 'loaded_at'] %}

with

judged as (

    select
        *,
        {{ row_fault(
            required=['event_id', 'session_id', 'event_type', 'occurred_at'],
            readable=readable
        ) }} as row_fault
    from {{ source('raw', 'web_events') }}

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
    {{ local_date('occurred_at') }} as occurred_on,
    {{ verdict_columns(columns, readable) }}
from ranked
