select
    customer_id,
    as_of_date,
    lifecycle_stage,
    value_tier,
    net_revenue,
    recency_days,
    is_contactable_by_email,
    is_contactable_by_sms
from {{ ref('customers') }}
where
    lifecycle_stage = 'inactive'
    and value_tier = 'high'
    and (is_contactable_by_email or is_contactable_by_sms)
