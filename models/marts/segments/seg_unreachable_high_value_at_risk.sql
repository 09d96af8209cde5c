select
    customer_id,
    as_of_date,
    value_tier,
    lifecycle_stage,
    is_spend_declining,
    is_contactable_by_email,
    is_contactable_by_sms,
    net_revenue,
    recency_days
from {{ ref('customers') }}
where
    value_tier = 'high'
    and (lifecycle_stage in ('at_risk', 'inactive') or is_spend_declining)
    and not is_contactable_by_email
    and not is_contactable_by_sms
