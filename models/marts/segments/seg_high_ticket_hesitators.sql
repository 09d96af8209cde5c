select
    customer_id,
    as_of_date,
    high_ticket_interactions_30d,
    has_ordered_30d
from {{ ref('customers') }}
where
    high_ticket_interactions_30d >= 1
    and not has_ordered_30d
