-- One row per campaign with an email event, opens aside, up to the as-of date. People are counted, not events.
with

-- A person is a customer, or an email that is no customer's alone. Who is neither cannot be told from others, and counts nowhere.
email_events as (

    select
        campaign_id,
        customer_id,
        case when customer_id is null then normalized_email end as email_of_nobody,
        event_type,
        occurred_on
    from {{ ref('int_email_events') }}
    where
        campaign_id is not null
        and event_type <> 'open'
        and (customer_id is not null or normalized_email is not null)

),

people as (

    select
        campaign_id,
        {{ dbt.bool_or("event_type = 'sent'") }} as is_sent,
        {{ dbt.bool_or("event_type = 'delivered'") }} as is_delivered,
        {{ dbt.bool_or("event_type = 'click'") }} as has_clicked,
        {{ dbt.bool_or("event_type = 'unsubscribe'") }} as has_unsubscribed,
        {{ dbt.bool_or("event_type = 'bounce'") }} as has_bounced,
        {{ dbt.bool_or("event_type = 'complaint'") }} as has_complained,
        min(case when event_type = 'sent' then occurred_on end) as first_sent_on,
        max(case when event_type = 'sent' then occurred_on end) as last_sent_on
    from email_events
    group by campaign_id, customer_id, email_of_nobody

),

campaigns as (

    select
        campaign_id,
        min(first_sent_on) as first_sent_on,
        max(last_sent_on) as last_sent_on,
        count(case when is_sent then 1 end) as sent,
        count(case when is_delivered then 1 end) as delivered,
        count(case when has_clicked then 1 end) as clicked,
        count(case when has_unsubscribed then 1 end) as unsubscribed,
        count(case when has_bounced then 1 end) as bounced,
        count(case when has_complained then 1 end) as complained
    from people
    group by campaign_id

)

select
    campaign_id,
    {{ as_of_date() }} as as_of_date,
    first_sent_on,
    last_sent_on,
    sent,
    delivered,
    clicked,
    unsubscribed,
    bounced,
    complained,
    {{ quotient('delivered', 'sent', 8) }} as delivery_rate,
    {{ quotient('bounced', 'sent', 8) }} as bounce_rate,
    {{ quotient('clicked', 'delivered', 8) }} as click_rate,
    {{ quotient('unsubscribed', 'delivered', 8) }} as unsubscribe_rate,
    {{ quotient('complained', 'delivered', 8) }} as complaint_rate
from campaigns
