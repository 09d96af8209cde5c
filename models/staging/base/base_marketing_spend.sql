-- One row per delivered row of raw.marketing_spend, in its names, with its row status.
{% set raw = raw_contract('marketing_spend') %}

with

validated as (

    select
        *,
        {{ validation_error(raw, forbidden={
            'negative amount': "amount < 0"
        }) }} as validation_error
    from {{ raw_table('marketing_spend') }}

),

first_rates as (

    select * from {{ ref('first_exchange_rates') }}

),

ranked as (

    select
        validated.*,
        case
            when validated.currency <> '{{ var("reporting_currency") }}'
                and (first_rates.first_rated_on is null or first_rates.first_rated_on > validated.spend_date)
                then 'no exchange rate for the currency on the date'
        end as orphan_error,
        1 as version_rank
    from validated
    left join first_rates on validated.currency = first_rates.currency

)

select
    {{ raw.columns | join(',\n    ') }},
    {{ row_status_columns(raw) }}
from ranked
