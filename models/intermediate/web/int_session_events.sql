-- One row per session with cart events up to the as-of date, or with product views or recommendation clicks in the last 30 days.
with

-- Two readings, each by conditions on single columns, skip what they do not need. The conditions on occurred_at are implied by
-- those on occurred_on: they spare most events the question what day it was in the shop.
web_events as (

    select * from {{ ref('stg_web_events') }}
    where
        event_type in ('add_to_cart', 'remove_from_cart')
        and (occurred_at < {{ as_of_date() }} or occurred_on <= {{ as_of_date() }})

    union all

    select * from {{ ref('stg_web_events') }}
    where
        event_type in ('product_view', 'recommendation_click')
        and occurred_at >= {{ days_ago(30) }}
        and occurred_on > {{ days_ago(30) }}
        and occurred_on <= {{ as_of_date() }}

),

high_ticket_products as (

    select * from {{ ref('int_high_ticket_products') }}

)

select
    web_events.session_id,
    sum(case web_events.event_type when 'add_to_cart' then 1 when 'remove_from_cart' then -1 else 0 end) > 0 as has_open_cart,
    min(case when web_events.event_type = 'add_to_cart' then web_events.occurred_at end) as first_added_to_cart_at,
    count(case when web_events.event_type = 'product_view' then 1 end) as product_views_30d,
    count(
        case
            when
                high_ticket_products.product_id is not null
                and web_events.event_type in ('product_view', 'add_to_cart')
                and web_events.occurred_on > {{ days_ago(30) }}
                then 1
        end
    ) as high_ticket_interactions_30d,
    count(case when web_events.event_type = 'recommendation_click' then 1 end) as recommendation_clicks_30d
from web_events
left join high_ticket_products on web_events.product_id = high_ticket_products.product_id
group by web_events.session_id
