-- One row per currency with a rate: no amount of an earlier date can be told in the reporting currency.
select
    currency,
    min(rated_on) as first_rated_on
from {{ ref('stg_exchange_rates') }}
group by currency
