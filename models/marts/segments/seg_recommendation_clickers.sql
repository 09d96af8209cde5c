select
    customer_id,
    as_of_date,
    recommendation_clicks_30d,
    has_ordered_30d
from {{ ref('customers') }}
where
    recommendation_clicks_30d >= 1
    and not has_ordered_30d
