-- One row per marketing campaign and customer of its audience: the segment as it stood before the campaign began.
with

campaigns as (

    select * from {{ ref('stg_marketing_campaigns') }}

),

changes as (

    select * from {{ ref('membership_changes') }}
    where kind = 'segment' and customer_id is not null

),

accounts as (

    select * from {{ ref('int_known_ids') }}

),

-- Under the ids by which its people were known then.
frozen_audiences as (

    select
        campaigns.marketing_campaign_id,
        changes.customer_id as frozen_id
    from campaigns
    inner join changes
        on
            campaigns.segment = changes.state
            and campaigns.starts_on > changes.as_of_date
    group by campaigns.marketing_campaign_id, changes.customer_id
    having sum({{ customers_gained() }}) = 1

),

-- Several that are one customer by now count once.
audiences as (

    select
        frozen_audiences.marketing_campaign_id,
        accounts.customer_id,
        min({{ binary_collation('frozen_audiences.frozen_id') }}) as frozen_id
    from frozen_audiences
    inner join accounts on frozen_audiences.frozen_id = accounts.account_id
    group by frozen_audiences.marketing_campaign_id, accounts.customer_id

)

select
    campaigns.marketing_campaign_id,
    audiences.customer_id,
    {{ as_of_date() }} as as_of_date,
    campaigns.segment,
    campaigns.starts_on,
    campaigns.ends_on,
    -- The same people on every run and engine, and others in every campaign. Whoever registers or merges keeps the arm.
    {{ hash_bucket("campaigns.marketing_campaign_id || ':' || audiences.frozen_id", 10000) }} < campaigns.holdout_percent * 100
        as is_held_out
from campaigns
inner join audiences on campaigns.marketing_campaign_id = audiences.marketing_campaign_id
