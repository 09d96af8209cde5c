-- One row per customer who ever left a cart open: the latest session with an open cart.
with

open_carts as (

    select
        sessions.customer_id,
        sessions.started_on,
        session_events.first_added_to_cart_at,
        row_number() over (
            partition by sessions.customer_id
            order by sessions.started_at desc, {{ binary_collation('sessions.session_id') }} desc
        ) as recency_rank
    from {{ ref('int_sessions') }} as sessions
    inner join {{ ref('int_session_events') }} as session_events on sessions.session_id = session_events.session_id
    where session_events.has_open_cart and sessions.customer_id is not null

)

select
    customer_id,
    started_on as last_open_cart_on,
    first_added_to_cart_at
from open_carts
where recency_rank = 1
