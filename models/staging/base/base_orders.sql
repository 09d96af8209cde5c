-- One row per delivered row of raw.orders, in its names, with its row status.
{% set raw = raw_contract('orders') %}

with

validated as (

    select
        *,
        {{ validation_error(raw, forbidden={
            'negative discount_amount': "discount_amount < 0",
            'unknown status': "status not in ('pending', 'paid', 'fulfilled', 'cancelled')"
        }) }} as validation_error
    from {{ raw_table('orders') }}

),

first_rates as (

    select * from {{ ref('first_exchange_rates') }}

),

ranked as (

    select
        validated.*,
        case
            when validated.currency <> '{{ var("reporting_currency") }}'
                and (first_rates.first_rated_on is null or first_rates.first_rated_on > {{ local_date('validated.ordered_at') }})
                then 'no exchange rate for the currency on the date'
        end as orphan_error,
        {{ version_rank(raw) }} as version_rank
    from validated
    left join first_rates on validated.currency = first_rates.currency

)

select
    {{ raw.columns | join(',\n    ') }},
    {{ row_status_columns(raw) }}
from ranked
