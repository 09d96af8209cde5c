-- One row per delivered row of raw.exchange_rates, with its verdict.
{% set columns = [
    'rate_date',
    'currency',
    'rate'
] %}
{% set readable = ['rate_date', 'rate', 'loaded_at'] %}

with

judged as (

    select
        *,
        {{ row_fault(
            required=['rate_date', 'currency', 'rate'],
            readable=readable,
            forbidden={
                'rate not above 0': "rate <= 0"
            }
        ) }} as row_fault
    from {{ source('raw', 'exchange_rates') }}

),

ranked as (

    select
        judged.*,
        cast(null as {{ dbt.type_string() }}) as relation_fault,
        {{ version_rank(
            key=['judged.rate_date', 'judged.currency'],
            order_by=[
                'judged.rate'
            ]
        ) }} as version_rank
    from judged

)

select
    rate_date as rated_on,
    currency,
    rate,
    coalesce(cast(rate_date as {{ dbt.type_string() }}), {{ unreadable('rate_date') }}, '')
    || '|' || coalesce(currency, '') as row_key,
    {{ verdict_columns(columns, readable) }}
from ranked
