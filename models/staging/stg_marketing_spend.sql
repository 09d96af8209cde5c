-- One row per amount spent.
select
    spend_date as spent_on,
    channel,
    amount,
    currency
from {{ ref('base_marketing_spend') }}
where row_status = 'kept'
