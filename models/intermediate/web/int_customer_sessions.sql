-- One row per customer with a web session.
with

sessions as (

    select * from {{ ref('int_sessions') }}
    where customer_id is not null

),

session_events as (

    select * from {{ ref('int_session_events') }}

),

current_sale as (

    select * from {{ ref('int_current_sale') }}

)

select
    sessions.customer_id,
    count(case when sessions.started_on > {{ days_ago(30) }} then 1 end) as sessions_30d,
    count(case when sessions.started_on > {{ days_ago(90) }} then 1 end) as sessions_90d,
    count(case when sessions.started_on > {{ days_ago(180) }} then 1 end) as sessions_180d,
    max(sessions.started_on) as last_session_on,
    count(case when session_events.has_open_cart and sessions.started_on > {{ days_ago(30) }} then 1 end)
        as open_carts_30d,
    count(
        case
            when session_events.has_open_cart and sessions.started_on between current_sale.starts_on and current_sale.ends_on
                then 1
        end
    ) as open_carts_in_current_sale,
    cast(sum(coalesce(session_events.product_views_30d, 0)) as bigint) as product_views_30d,
    cast(sum(coalesce(session_events.high_ticket_interactions_30d, 0)) as bigint) as high_ticket_interactions_30d,
    cast(sum(coalesce(session_events.recommendation_clicks_30d, 0)) as bigint) as recommendation_clicks_30d
from sessions
left join session_events on sessions.session_id = session_events.session_id
left join current_sale on true
group by sessions.customer_id
