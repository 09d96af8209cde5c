-- One row per date and currency.
select
    rated_on,
    currency,
    rate
from {{ ref('base_exchange_rates') }}
where verdict = 'kept'
