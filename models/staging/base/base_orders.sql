-- One row per delivered row of raw.orders, in its names, with its verdict.
{% set raw = raw_contract('orders') %}

with

judged as (

    select
        *,
        {{ row_fault(raw, forbidden={
            'negative discount_amount': "discount_amount < 0",
            'unknown status': "status not in ('pending', 'paid', 'fulfilled', 'cancelled')"
        }) }} as row_fault
    from {{ raw_table('orders') }}

),

first_rates as (

    select * from {{ ref('first_exchange_rates') }}

),

ranked as (

    select
        judged.*,
        case
            when judged.currency <> '{{ var("reporting_currency") }}'
                and (first_rates.first_rated_on is null or first_rates.first_rated_on > {{ local_date('judged.ordered_at') }})
                then 'no exchange rate for the currency on the date'
        end as relation_fault,
        {{ version_rank(raw) }} as version_rank
    from judged
    left join first_rates on judged.currency = first_rates.currency

)

select
    {{ raw.columns | join(',\n    ') }},
    {{ verdict_columns(raw) }}
from ranked
