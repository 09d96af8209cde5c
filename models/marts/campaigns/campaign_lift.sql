-- One row per marketing campaign: who bought of the treated and of the held out, and how much lies between them.
{% set lifts = [
    'conversion_lift', 'net_revenue_lift', 'cuped_conversion_lift', 'cuped_net_revenue_lift',
    'stratified_conversion_lift', 'stratified_net_revenue_lift'
] %}
with

campaigns as (

    select
        marketing_campaigns.*,
        {{ is_registered_segment('marketing_campaigns.segment') }} as is_registered,
        marketing_campaigns.ends_on <= {{ as_of_date() }} as is_over
    from {{ ref('stg_marketing_campaigns') }} as marketing_campaigns

),

lifts as (

    select * from {{ ref('int_lifts') }}
    where kind = 'campaign'

)

select
    campaigns.marketing_campaign_id,
    {{ as_of_date() }} as as_of_date,
    campaigns.segment,
    campaigns.starts_on,
    campaigns.ends_on,
    campaigns.is_over,
    campaigns.is_over as is_final,
    cast(campaigns.holdout_percent as {{ decimal_type(18, 2) }}) as holdout_percent,
    {% for count in ['customers', 'treated_customers', 'held_out_customers', 'treated_buyers', 'held_out_buyers'] %}
    cast(coalesce(lifts.{{ count }}, 0) as bigint) as {{ count }},
    {% endfor %}
    coalesce(lifts.is_split_as_promised, true) as is_split_as_promised,
    cast(coalesce(lifts.treated_net_revenue, 0) as {{ decimal_type(18, 2) }}) as treated_net_revenue,
    cast(coalesce(lifts.held_out_net_revenue, 0) as {{ decimal_type(18, 2) }}) as held_out_net_revenue,
    {% for lift in lifts %}
    lifts.{{ lift }},
    lifts.{{ lift }}_from,
    lifts.{{ lift }}_to,
    {% endfor %}
    lifts.conversion_variance_removed,
    lifts.net_revenue_variance_removed,
    case
        when not campaigns.is_registered
            then {{ dbt.concat(["'There is no segment '", "campaigns.segment", "': nobody can be treated or held out.'"]) }}
        when campaigns.starts_on > {{ as_of_date() }} then 'The campaign has not begun.'
        when lifts.comparison_id is null then 'Nobody was in the segment before the campaign began: there is nobody to compare.'
        when lifts.held_out_customers = 0 then 'Nobody is held out: there is nothing to compare with.'
        else {{ lift_verdict('lifts', 'The campaign is still on: wait for its end.') }}
    end as verdict
from campaigns
left join lifts on campaigns.marketing_campaign_id = lifts.comparison_id
