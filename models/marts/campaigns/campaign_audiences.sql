-- One row per marketing campaign and customer of its audience: the segment as it stood before the campaign began.
with

campaigns as (

    select * from {{ ref('stg_marketing_campaigns') }}

),

stays as (

    select * from {{ ref('segment_history') }}

),

accounts as (

    select * from {{ ref('customer_accounts') }}

),

-- Two former ids of one customer count once.
audiences as (

    select distinct
        campaigns.marketing_campaign_id,
        campaigns.segment,
        campaigns.starts_on,
        campaigns.ends_on,
        campaigns.holdout_percent,
        accounts.customer_id
    from campaigns
    inner join stays
        on
            campaigns.segment = stays.segment
            and campaigns.starts_on > stays.entered_on
            and (stays.exited_on is null or campaigns.starts_on <= stays.exited_on)
    inner join accounts on stays.customer_id = accounts.account_id

)

select
    marketing_campaign_id,
    customer_id,
    {{ as_of_date() }} as as_of_date,
    segment,
    starts_on,
    ends_on,
    -- The same people on every run and engine, and others in every campaign.
    {{ hash_bucket("marketing_campaign_id || ':' || customer_id", 10000) }} < holdout_percent * 100 as is_held_out
from audiences
