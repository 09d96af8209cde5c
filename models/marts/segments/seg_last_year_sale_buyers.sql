select
    customer_id,
    as_of_date,
    purchases_in_last_year_sale
from {{ ref('customers') }}
where
    purchases_in_last_year_sale >= 1
