-- One row per comparison and customer in it, with what they bought in its days and in the 180 days before. A comparison is a
-- marketing campaign, or a calendar quarter in which some got no marketing message at all.
{% set high = "'" ~ ref('seg_high_value_active').identifier ~ "', '" ~ ref('seg_high_value_at_risk').identifier ~ "'" %}
{% set low = "'" ~ ref('seg_low_value_active').identifier ~ "', '" ~ ref('seg_non_target').identifier ~ "'" %}
{% set one_day = modules.datetime.timedelta(days=1) %}
{% set segment = dbt.concat(["'seg_'", 'state']) %}
with

accounts as (

    select * from {{ ref('int_known_ids') }}

),

quarters as (

    {% for quarter in last_quarters(8) %}
    select
        '{{ quarter.name }}' as calendar_quarter,
        {{ date_literal(quarter.starts_on) }} as starts_on,
        {{ date_literal(quarter.ends_on) }} as ends_on,
        {{ date_literal(quarter.ends_on - one_day) }} as last_message_built_on
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- The messages of a day are built as of the day before. Where the setting changed within a quarter, only those count as held out
-- who were so all the time.
programme_quarters as (

    select
        quarters.calendar_quarter,
        quarters.starts_on,
        quarters.ends_on,
        min(figures.share) as held_out_share
    from quarters
    inner join {{ ref('built_figures') }} as figures
        on
            quarters.last_message_built_on >= figures.as_of_date
            and {{ days_after('quarters.starts_on', -1) }} <= figures.as_of_date
    where figures.figure = 'global_holdout_share'
    group by quarters.calendar_quarter, quarters.starts_on, quarters.ends_on
    having min(figures.share) > 0

),

-- Whom mail could reach before the quarter began, under the ids by which they were known then: who was mailed may refuse it.
reachable_members as (

    select
        programme_quarters.calendar_quarter,
        changes.customer_id as frozen_id
    from programme_quarters
    inner join {{ ref('audience_changes') }} as changes on programme_quarters.starts_on > changes.as_of_date
    group by programme_quarters.calendar_quarter, changes.segment, changes.customer_id, changes.email_sha256
    having sum(case when changes.change = 'added' then 1 else -1 end) = 1

),

-- Several that are one customer by now count once.
reachable_people as (

    select
        reachable_members.calendar_quarter,
        accounts.customer_id,
        min({{ binary_collation('reachable_members.frozen_id') }}) as frozen_id
    from reachable_members
    inner join accounts on reachable_members.frozen_id = accounts.account_id
    group by reachable_members.calendar_quarter, accounts.customer_id

),

people as (

    select
        'campaign' as kind,
        audiences.marketing_campaign_id as comparison_id,
        audiences.customer_id,
        audiences.is_held_out,
        audiences.starts_on,
        audiences.ends_on,
        cast(campaigns.holdout_percent as {{ decimal_type(18, 6) }}) as holdout_percent
    from {{ ref('campaign_audiences') }} as audiences
    inner join {{ ref('stg_marketing_campaigns') }} as campaigns
        on audiences.marketing_campaign_id = campaigns.marketing_campaign_id

    union all

    select
        'quarter' as kind,
        programme_quarters.calendar_quarter as comparison_id,
        reachable_people.customer_id,
        {{ quarter_bucket('reachable_people.calendar_quarter', 'reachable_people.frozen_id') }}
        < programme_quarters.held_out_share * 10000 as is_held_out,
        programme_quarters.starts_on,
        programme_quarters.ends_on,
        cast(programme_quarters.held_out_share * 100 as {{ decimal_type(18, 6) }}) as holdout_percent
    from programme_quarters
    inner join reachable_people on programme_quarters.calendar_quarter = reachable_people.calendar_quarter

),

starts as (

    select distinct starts_on
    from people

),

value_changes as (

    select
        *,
        case
            when {{ segment }} in ({{ high }}) then 'high'
            when {{ segment }} in ({{ low }}) then 'low'
        end as value_tier
    from {{ ref('membership_changes') }}
    where kind = 'segment'

),

tiered_ids as (

    select
        starts.starts_on,
        changes.customer_id as frozen_id,
        changes.value_tier
    from starts
    inner join value_changes as changes on starts.starts_on > changes.as_of_date
    where changes.value_tier is not null
    group by starts.starts_on, changes.customer_id, changes.state, changes.value_tier
    having sum({{ customers_gained() }}) = 1

),

-- Of several that have merged since, one of high value makes the customer such.
tiers as (

    select
        tiered_ids.starts_on,
        accounts.customer_id,
        min(tiered_ids.value_tier) as value_tier
    from tiered_ids
    inner join accounts on tiered_ids.frozen_id = accounts.account_id
    group by tiered_ids.starts_on, accounts.customer_id

),

bought as (

    select
        people.kind,
        people.comparison_id,
        people.customer_id,
        case when purchases.purchased_on >= people.starts_on then 1 else 0 end as is_in_its_days,
        purchases.net_revenue
    from people
    inner join {{ ref('int_purchases') }} as purchases
        on
            people.customer_id = purchases.customer_id
            and purchases.purchased_on between {{ days_after('people.starts_on', -180) }} and people.ends_on

),

spent as (

    select
        kind,
        comparison_id,
        customer_id,
        max(is_in_its_days) as is_buyer,
        sum(case when is_in_its_days = 1 then net_revenue else 0 end) as net_revenue,
        sum(case when is_in_its_days = 0 then net_revenue else 0 end) as past_net_revenue
    from bought
    group by kind, comparison_id, customer_id

)

select
    people.kind,
    people.comparison_id,
    people.customer_id,
    people.is_held_out,
    people.starts_on,
    people.ends_on,
    people.holdout_percent,
    -- That before it began: what a campaign sells may lift its buyers into another one.
    coalesce(tiers.value_tier, 'none') as value_tier,
    coalesce(spent.is_buyer, 0) as is_buyer,
    cast(coalesce(spent.net_revenue, 0) as {{ decimal_type(18, 2) }}) as net_revenue,
    cast(coalesce(spent.past_net_revenue, 0) as {{ decimal_type(18, 2) }}) as past_net_revenue
from people
left join tiers on people.starts_on = tiers.starts_on and people.customer_id = tiers.customer_id
left join spent
    on people.kind = spent.kind and people.comparison_id = spent.comparison_id and people.customer_id = spent.customer_id
