select
    customer_id,
    as_of_date,
    value_tier,
    lifecycle_stage,
    is_spend_declining
from {{ ref('customers') }}
where
    value_tier = 'high'
    and lifecycle_stage in ('new', 'active')
    and not is_spend_declining
