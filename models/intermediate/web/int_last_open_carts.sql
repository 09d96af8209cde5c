-- One row per customer who ever left a cart open: the latest session with an open cart, and what is in it.
with

open_carts as (

    select
        sessions.customer_id,
        sessions.session_id,
        sessions.started_on,
        session_events.first_added_to_cart_at,
        row_number() over (
            partition by sessions.customer_id
            order by sessions.started_at desc, {{ binary_collation('sessions.session_id') }} desc
        ) as recency_rank
    from {{ ref('int_sessions') }} as sessions
    inner join {{ ref('int_session_events') }} as session_events on sessions.session_id = session_events.session_id
    where session_events.has_open_cart and sessions.customer_id is not null

),

last_open_carts as (

    select * from open_carts
    where recency_rank = 1

),

products as (

    select
        last_open_carts.customer_id,
        web_events.product_id
    from {{ ref('stg_web_events') }} as web_events
    inner join last_open_carts on web_events.session_id = last_open_carts.session_id
    where
        web_events.event_type in ('add_to_cart', 'remove_from_cart')
        and web_events.product_id is not null
        and web_events.occurred_on <= {{ as_of_date() }}
    group by last_open_carts.customer_id, web_events.product_id
    having sum(case web_events.event_type when 'add_to_cart' then 1 else -1 end) > 0

),

contents as (

    select
        customer_id,
        {{ sorted_list('product_id') }} as open_cart_products
    from products
    group by customer_id

)

select
    last_open_carts.customer_id,
    last_open_carts.session_id,
    last_open_carts.started_on as last_open_cart_on,
    last_open_carts.first_added_to_cart_at,
    contents.open_cart_products
from last_open_carts
left join contents on last_open_carts.customer_id = contents.customer_id
