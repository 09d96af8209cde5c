-- One row per currency and date from which a rate holds, up to the day before the next one.
select
    currency,
    rate,
    rated_on,
    lead(rated_on) over (partition by currency order by rated_on) as next_rated_on
from {{ ref('stg_exchange_rates') }}
