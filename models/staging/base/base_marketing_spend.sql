-- One row per delivered row of raw.marketing_spend, with its verdict.
{% set columns = [
    'spend_date',
    'channel',
    'amount',
    'currency'
] %}
{% set readable = ['spend_date', 'amount', 'loaded_at'] %}

with

judged as (

    select
        *,
        {{ row_fault(
            required=['spend_date', 'channel', 'amount', 'currency'],
            readable=readable,
            forbidden={
                'negative amount': "amount < 0"
            }
        ) }} as row_fault
    from {{ source('raw', 'marketing_spend') }}

),

first_rates as (

    select
        currency,
        min(rated_on) as first_rated_on
    from {{ ref('base_exchange_rates') }}
    where verdict = 'kept'
    group by currency

),

ranked as (

    select
        judged.*,
        case
            when judged.currency <> '{{ var("reporting_currency") }}'
                and (first_rates.first_rated_on is null or first_rates.first_rated_on > judged.spend_date)
                then 'no exchange rate for the currency on the date'
        end as relation_fault,
        1 as version_rank
    from judged
    left join first_rates on judged.currency = first_rates.currency

)

select
    spend_date as spent_on,
    channel,
    amount,
    currency,
    {{ verdict_columns(columns, readable) }}
from ranked
