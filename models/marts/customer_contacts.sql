-- One row per customer with the data to reach them. The only mart with contact data.
select
    customer_id,
    as_of_date,
    normalized_email as email,
    phone,
    first_name,
    last_name,
    postal_code,
    birth_date
from {{ ref('int_customers') }}
