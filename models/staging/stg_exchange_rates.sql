-- One row per date and currency.
select
    rate_date as rated_on,
    currency,
    rate
from {{ ref('base_exchange_rates') }}
where row_status = 'kept'
