-- One row per calendar month, channel and buyer type with a session, and of all channels and all buyer types together: how far
-- the sessions went.
with

sessions as (

    select * from {{ ref('int_sessions') }}

),

session_events as (

    select * from {{ ref('int_session_events') }}

),

orders as (

    select
        customer_id,
        ordered_at
    from {{ ref('int_orders') }}
    where is_ordered and customer_id is not null

),

-- An order counts for one session of its customer, the last before it.
customer_sessions as (

    select
        session_id,
        customer_id,
        started_at,
        lead(started_at) over (
            partition by customer_id order by started_at, {{ binary_collation('session_id') }}
        ) as next_started_at
    from sessions
    where customer_id is not null

),

-- Sessions with an order in the 7 x 24 hours from their start: whether it is theirs.
ordering_sessions as (

    select
        customer_sessions.session_id,
        max(
            case
                when
                    orders.ordered_at <= {{ dbt.dateadd('hour', 24, 'customer_sessions.started_at') }}
                    and (orders.ordered_at < customer_sessions.next_started_at or customer_sessions.next_started_at is null)
                    then 1
                else 0
            end
        ) as has_order
    from customer_sessions
    inner join orders
        on
            customer_sessions.customer_id = orders.customer_id
            and customer_sessions.started_at <= orders.ordered_at
            and orders.ordered_at <= {{ dbt.dateadd('hour', 168, 'customer_sessions.started_at') }}
    group by customer_sessions.session_id

),

numbered_purchases as (

    select
        customer_id,
        purchased_at,
        row_number() over (partition by customer_id order by purchased_at) as place
    from {{ ref('int_purchase_sequence') }}

),

buyers as (

    select
        customer_id,
        max(case when place = 1 then purchased_at end) as first_purchased_at,
        max(case when place = 2 then purchased_at end) as second_purchased_at
    from numbered_purchases
    where place <= 2
    group by customer_id

),

steps as (

    select
        {{ month_of('sessions.started_on') }} as month,
        {{ real_channel("coalesce(sessions.channel, 'unknown')") }} as channel,
        case
            when sessions.customer_id is null then 'anonymous'
            when buyers.second_purchased_at < sessions.started_at then 'returning'
            when buyers.first_purchased_at < sessions.started_at then 'new'
            else 'lead'
        end as buyer_type,
        case when session_events.has_product_view then 1 else 0 end as has_product_view,
        case when session_events.has_cart then 1 else 0 end as has_cart,
        case when session_events.has_checkout_start then 1 else 0 end as has_checkout,
        coalesce(ordering_sessions.has_order, 0) as has_order,
        case when session_events.has_cart and coalesce(ordering_sessions.has_order, 0) = 0 then 1 else 0 end as is_abandoned,
        case when session_events.has_cart and ordering_sessions.has_order = 0 then 1 else 0 end as is_recovered
    from sessions
    left join session_events on sessions.session_id = session_events.session_id
    left join ordering_sessions on sessions.session_id = ordering_sessions.session_id
    left join buyers on sessions.customer_id = buyers.customer_id

),

parts as (

    select
        month,
        channel,
        buyer_type,
        count(*) as sessions,
        sum(has_product_view) as sessions_with_product_view,
        sum(has_cart) as sessions_with_cart,
        sum(has_checkout) as sessions_with_checkout,
        sum(has_order) as sessions_with_order,
        sum(is_abandoned) as carts_without_order,
        sum(is_recovered) as recovered_carts
    from steps
    group by month, channel, buyer_type

),

-- Each part counts for itself, its channel, its buyer type and the month.
members as (

    {% for channel in ['channel', "'all'"] %}
    {% for buyer_type in ['buyer_type', "'all'"] %}
    select
        month,
        {{ channel }} as row_channel,
        {{ buyer_type }} as row_buyer_type,
        sessions,
        sessions_with_product_view,
        sessions_with_cart,
        sessions_with_checkout,
        sessions_with_order,
        carts_without_order,
        recovered_carts
    from parts
    {{ 'union all' if not loop.last }}
    {% endfor %}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

totals as (

    select
        month,
        row_channel as channel,
        row_buyer_type as buyer_type,
        sum(sessions) as sessions,
        sum(sessions_with_product_view) as sessions_with_product_view,
        sum(sessions_with_cart) as sessions_with_cart,
        sum(sessions_with_checkout) as sessions_with_checkout,
        sum(sessions_with_order) as sessions_with_order,
        sum(carts_without_order) as carts_without_order,
        sum(recovered_carts) as recovered_carts
    from members
    group by month, row_channel, row_buyer_type

)

select
    month,
    channel,
    buyer_type,
    {{ as_of_date() }} as as_of_date,
    {{ dbt.last_day('month', 'month') }} <= {{ as_of_date() }} as is_complete,
    cast(sessions as bigint) as sessions,
    cast(sessions_with_product_view as bigint) as sessions_with_product_view,
    cast(sessions_with_cart as bigint) as sessions_with_cart,
    cast(sessions_with_checkout as bigint) as sessions_with_checkout,
    cast(sessions_with_order as bigint) as sessions_with_order,
    cast(carts_without_order as bigint) as carts_without_order,
    cast(recovered_carts as bigint) as recovered_carts,
    {{ quotient('sessions_with_order', 'sessions', 8) }} as conversion_rate,
    {{ quotient('carts_without_order', 'sessions_with_cart', 8) }} as abandonment_rate,
    {{ quotient('recovered_carts', 'carts_without_order', 8) }} as recovery_rate
from totals
