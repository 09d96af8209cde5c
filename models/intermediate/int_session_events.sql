-- One row per session with cart or recommendation events up to the as-of date.
select
    session_id,
    sum(case event_type when 'add_to_cart' then 1 when 'remove_from_cart' then -1 else 0 end) > 0 as has_open_cart,
    sum(
        case when event_type = 'recommendation_click' and occurred_on > {{ days_ago(30) }} then 1 else 0 end
    ) as recommendation_clicks_30d
from {{ ref('stg_web_events') }}
where
    event_type in ('add_to_cart', 'remove_from_cart', 'recommendation_click')
    and occurred_on <= {{ as_of_date() }}
group by session_id
