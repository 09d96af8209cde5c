-- One row per id of a customer that another one took over, and date on which a run saw it. Forgotten customers are left out.
select
    as_of_date,
    customer_id as former_id,
    continued_as as customer_id
from {{ ref('membership_changes') }}
-- Everybody is in one lifecycle stage.
where
    kind = 'lifecycle_stage'
    and continued_as is not null
    and customer_id not like 'forgotten:%'
