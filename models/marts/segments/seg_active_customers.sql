select
    customer_id,
    as_of_date,
    lifecycle_stage,
    sessions_30d,
    email_clicks_30d
from {{ ref('customers') }}
where
    lifecycle_stage in ('new', 'active')
    and (sessions_30d >= 1 or email_clicks_30d >= 1)
