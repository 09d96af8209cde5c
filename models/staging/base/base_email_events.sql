-- One row per delivered row of raw.email_events, with its verdict.
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

judged as (

    select
        *,
        {{ row_fault(
            required=['event_id', 'event_type', 'occurred_at'],
            readable=readable,
            forbidden={
                'unknown event_type': "event_type not in ('sent', 'delivered', 'open', 'click', 'unsubscribe', 'bounce', 'complaint')"
            }
        ) }} as row_fault
    from {{ source('raw', 'email_events') }}

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
    customer_id as account_id,
    {{ compared_email('email') }} as compared_email,
    campaign_id,
    event_type,
    occurred_at,
    {{ local_date('occurred_at') }} as occurred_on,
    {{ verdict_columns(columns, readable) }}
from ranked
