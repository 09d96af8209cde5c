-- One row per session with a product view, cart, checkout or recommendation event up to the as-of date.
with

-- The condition on occurred_at spares most events the question what day it was in the shop, and so does its like on is_of_30d.
web_events as (

    select
        session_id,
        event_type,
        product_id,
        occurred_at,
        occurred_at >= {{ days_ago(30) }} and occurred_on > {{ days_ago(30) }} as is_of_30d
    from {{ ref('stg_web_events') }}
    where
        event_type in ('product_view', 'add_to_cart', 'remove_from_cart', 'checkout_start', 'recommendation_click')
        and (occurred_at < {{ as_of_date() }} or occurred_on <= {{ as_of_date() }})

),

high_ticket_products as (

    select * from {{ ref('int_high_ticket_products') }}

)

select
    web_events.session_id,
    sum(case web_events.event_type when 'add_to_cart' then 1 when 'remove_from_cart' then -1 else 0 end) > 0 as has_open_cart,
    min(case when web_events.event_type = 'add_to_cart' then web_events.occurred_at end) as first_added_to_cart_at,
    count(case when web_events.event_type = 'product_view' then 1 end) > 0 as has_product_view,
    count(case when web_events.event_type = 'add_to_cart' then 1 end) > 0 as has_cart,
    count(case when web_events.event_type = 'checkout_start' then 1 end) > 0 as has_checkout_start,
    count(case when web_events.event_type = 'product_view' and web_events.is_of_30d then 1 end) as product_views_30d,
    count(
        case
            when
                high_ticket_products.product_id is not null
                and web_events.event_type in ('product_view', 'add_to_cart')
                then 1
        end
    ) as high_ticket_interactions_30d,
    count(case when web_events.event_type = 'recommendation_click' and web_events.is_of_30d then 1 end)
        as recommendation_clicks_30d
from web_events
left join high_ticket_products on web_events.product_id = high_ticket_products.product_id and web_events.is_of_30d
group by web_events.session_id
