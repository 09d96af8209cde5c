-- One row per customer who was mailed, or clicked in a mail, in the last 180 days.
select
    customer_id,
    sum(case when event_type = 'click' and occurred_on > {{ days_ago(30) }} then 1 else 0 end) as email_clicks_30d,
    sum(case when event_type = 'click' and occurred_on > {{ days_ago(90) }} then 1 else 0 end) as email_clicks_90d,
    sum(case when event_type = 'click' then 1 else 0 end) as email_clicks_180d,
    sum(case when event_type in ('sent', 'delivered') then 1 else 0 end) as emails_received_180d
from {{ ref('int_email_events') }}
where
    customer_id is not null
    and event_type in ('sent', 'delivered', 'click')
    and occurred_on > {{ days_ago(180) }}
group by customer_id
