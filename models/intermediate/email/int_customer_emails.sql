-- One row per customer who was mailed, or clicked in a mail, in the last 180 days.
-- The condition on occurred_at is implied by that on occurred_on: it spares reading older events.
select
    customer_id,
    count(case when event_type = 'click' and occurred_on > {{ days_ago(30) }} then 1 end) as email_clicks_30d,
    count(case when event_type = 'click' and occurred_on > {{ days_ago(90) }} then 1 end) as email_clicks_90d,
    count(case when event_type = 'click' then 1 end) as email_clicks_180d,
    -- One per campaign and date; of emails without a campaign one a date.
    count(
        distinct case
            when event_type in ('sent', 'delivered') and occurred_on > {{ days_ago(7) }}
                then {{ dbt.concat(['cast(occurred_on as ' ~ dbt.type_string() ~ ')', "':'", "coalesce(campaign_id, '')"]) }}
        end
    ) as emails_received_7d,
    count(case when event_type in ('sent', 'delivered') then 1 end) as emails_received_180d
from {{ ref('int_email_events') }}
where
    customer_id is not null
    and event_type in ('sent', 'delivered', 'click')
    and occurred_at >= {{ days_ago(180) }}
    and occurred_on > {{ days_ago(180) }}
group by customer_id
