-- One row per account or guest id, with the customer it belongs to at the as-of date.
select
    account_id,
    customer_id,
    {{ as_of_date() }} as as_of_date
from {{ ref('int_known_ids') }}
where has_rows_of_its_own
