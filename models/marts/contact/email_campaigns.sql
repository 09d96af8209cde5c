-- One row per campaign with an email event, opens aside, up to the as-of date. People are counted, not events. A purchase
-- counts for the campaign of the last email that its customer clicked before it.
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

),

purchases as (

    select * from {{ ref('int_purchases') }}

),

email_clicks as (

    select * from {{ ref('int_touches') }}
    where touch_kind = 'email'

),

clicks_before as (

    select
        purchases.order_id,
        purchases.net_revenue,
        email_clicks.campaign_id,
        row_number() over (partition by purchases.order_id order by {{ touch_order(descending=true) }}) as click_rank
    from purchases
    inner join email_clicks
        on
            purchases.customer_id = email_clicks.customer_id
            and {{ is_touch_before('email_clicks', 'purchases', var('email_attribution_days')) }}

),

bought as (

    select
        campaign_id,
        count(*) as purchases,
        sum(net_revenue) as net_revenue
    from clicks_before
    where click_rank = 1
    group by campaign_id

)

select
    campaigns.campaign_id,
    {{ as_of_date() }} as as_of_date,
    campaigns.first_sent_on,
    campaigns.last_sent_on,
    campaigns.sent,
    campaigns.delivered,
    campaigns.clicked,
    campaigns.unsubscribed,
    campaigns.bounced,
    campaigns.complained,
    {{ quotient('campaigns.delivered', 'campaigns.sent', 8) }} as delivery_rate,
    {{ quotient('campaigns.bounced', 'campaigns.sent', 8) }} as bounce_rate,
    {{ quotient('campaigns.clicked', 'campaigns.delivered', 8) }} as click_rate,
    {{ quotient('campaigns.unsubscribed', 'campaigns.delivered', 8) }} as unsubscribe_rate,
    {{ quotient('campaigns.complained', 'campaigns.delivered', 8) }} as complaint_rate,
    coalesce(bought.purchases, 0) as purchases,
    cast(coalesce(bought.net_revenue, 0) as {{ decimal_type(18, 2) }}) as net_revenue
from campaigns
left join bought on campaigns.campaign_id = bought.campaign_id
