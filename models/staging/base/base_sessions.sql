-- One row per delivered row of raw.sessions that needs a verdict: it breaks the contract or shares its key with
-- another. All others are kept: stg_sessions reads them where they were delivered.
{{ config(**large_table('sessions')) }}
{% set columns = [
    'session_id',
    'visitor_id',
    'customer_id',
    'started_at',
    'channel',
    'campaign_id',
    'device',
    'is_bot'
] %}
{% set readable = ['started_at', 'is_bot', 'loaded_at'] %}

with

keys_to_judge as (

    {{ keys_to_judge('sessions', 'session_id') }}

),

delivered as (

    {{ delivered_rows('sessions', 'session_id', columns, readable, row_fault=row_fault(
        required=['session_id', 'started_at'],
        readable=readable
    )) }}

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
        {{ version_rank(
            key=['judged.session_id'],
            order_by=[
                'judged.started_at',
                by_code_point('judged.visitor_id'),
                by_code_point('judged.customer_id'),
                by_code_point('judged.channel'),
                by_code_point('judged.campaign_id'),
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
    campaign_id,
    device,
    is_bot,
    key_hash,
    {{ verdict_columns(columns, readable, former_raw_values='former_raw_values') }}
from ranked
