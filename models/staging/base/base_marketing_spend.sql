-- One row per delivered row of raw.marketing_spend, in its names, with its verdict.
{% set raw = raw_contract('marketing_spend') %}

with

judged as (

    select
        *,
        {{ row_fault(raw, forbidden={
            'negative amount': "amount < 0"
        }) }} as row_fault
    from {{ raw_table('marketing_spend') }}

),

first_rates as (

    select * from {{ ref('first_exchange_rates') }}

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
    {{ raw.columns | join(',\n    ') }},
    {{ verdict_columns(raw) }}
from ranked
