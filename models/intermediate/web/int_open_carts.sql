-- One row per session of a customer that left its cart open: what is in it, what that costs, and when the next such session came.
with

sessions as (

    select * from {{ ref('int_sessions') }}
    where customer_id is not null

),

open_carts as (

    select * from {{ ref('int_session_events') }}
    where has_open_cart

),

web_events as (

    select * from {{ ref('stg_web_events') }}
    where
        event_type in ('add_to_cart', 'remove_from_cart')
        and product_id is not null
        and occurred_on <= {{ as_of_date() }}

),

products as (

    select
        web_events.session_id,
        web_events.product_id,
        sum(case web_events.event_type when 'add_to_cart' then 1 else -1 end) as pieces
    from web_events
    inner join open_carts on web_events.session_id = open_carts.session_id
    group by web_events.session_id, web_events.product_id
    having sum(case web_events.event_type when 'add_to_cart' then 1 else -1 end) > 0

),

-- A product without a price makes the value unknown.
contents as (

    select
        products.session_id,
        {{ sorted_list('products.product_id') }} as open_cart_products,
        case
            when count(stg_products.price) = count(*)
                then cast(round(sum(products.pieces * stg_products.price), 2) as {{ decimal_type(18, 2) }})
        end as open_cart_value
    from products
    left join {{ ref('stg_products') }} as stg_products on products.product_id = stg_products.product_id
    group by products.session_id

)

select
    sessions.customer_id,
    sessions.session_id,
    sessions.started_on,
    open_carts.first_added_to_cart_at,
    contents.open_cart_products,
    contents.open_cart_value,
    row_number() over (
        partition by sessions.customer_id order by sessions.started_at desc, {{ binary_collation('sessions.session_id') }} desc
    ) as recency_rank,
    lead(sessions.started_on) over (
        partition by sessions.customer_id order by sessions.started_at, {{ binary_collation('sessions.session_id') }}
    ) as next_started_on
from sessions
inner join open_carts on sessions.session_id = open_carts.session_id
left join contents on sessions.session_id = contents.session_id
