select
    customer_id,
    as_of_date,
    value_tier,
    lifecycle_stage
from {{ ref('customers') }}
where
    value_tier = 'low'
    and lifecycle_stage in ('at_risk', 'inactive')
