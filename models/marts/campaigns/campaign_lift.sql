-- One row per marketing campaign: who bought of the treated and of the held out, and how much lies between them.
with

campaigns as (

    select
        marketing_campaigns.*,
        {{ is_registered_segment('marketing_campaigns.segment') }} as is_registered
    from {{ ref('stg_marketing_campaigns') }} as marketing_campaigns

),

people as (

    select
        audiences.marketing_campaign_id,
        audiences.customer_id,
        audiences.is_held_out,
        case when count(purchases.order_id) > 0 then 1 else 0 end as is_buyer,
        cast(coalesce(sum(purchases.net_revenue), 0) as {{ decimal_type(18, 2) }}) as net_revenue
    from {{ ref('campaign_audiences') }} as audiences
    left join {{ ref('int_purchases') }} as purchases
        on
            audiences.customer_id = purchases.customer_id
            and purchases.purchased_on between audiences.starts_on and audiences.ends_on
    group by audiences.marketing_campaign_id, audiences.customer_id, audiences.is_held_out

),

arms as (

    select
        marketing_campaign_id,
        is_held_out,
        count(*) as customers,
        sum(is_buyer) as buyers,
        cast(sum(net_revenue) as {{ decimal_type(18, 2) }}) as net_revenue,
        1.0 * sum(is_buyer) / count(*) as buyer_share,
        avg(cast(net_revenue as {{ double_type() }})) as mean_revenue,
        var_samp(cast(net_revenue as {{ double_type() }})) / count(*) as squared_error
    from people
    group by marketing_campaign_id, is_held_out

),

arm_intervals as (

    select
        arms.*,
        {{ wilson_limit('lower', 'buyers', 'customers') }} as share_from,
        {{ wilson_limit('upper', 'buyers', 'customers') }} as share_to
    from arms

),

compared as (

    select
        campaigns.*,
        coalesce(treated.customers, 0) as treated_customers,
        coalesce(held_out.customers, 0) as held_out_customers,
        coalesce(treated.customers, 0) + coalesce(held_out.customers, 0) as customers,
        coalesce(treated.buyers, 0) as treated_buyers,
        coalesce(held_out.buyers, 0) as held_out_buyers,
        coalesce(treated.net_revenue, 0) as treated_net_revenue,
        coalesce(held_out.net_revenue, 0) as held_out_net_revenue,
        coalesce(
            treated.customers >= {{ var('min_arm_customers') }} and held_out.customers >= {{ var('min_arm_customers') }}, false
        ) as is_large_enough,
        treated.buyer_share - held_out.buyer_share as conversion_lift,
        {{ newcombe_reach('treated.buyer_share', 'treated.share_from', 'held_out.buyer_share', 'held_out.share_to') }}
            as conversion_below,
        {{ newcombe_reach('treated.buyer_share', 'treated.share_to', 'held_out.buyer_share', 'held_out.share_from') }}
            as conversion_above,
        treated.mean_revenue - held_out.mean_revenue as revenue_lift,
        treated.squared_error + held_out.squared_error as squared_error,
        {{ welch_degrees_of_freedom('treated', 'held_out') }} as degrees_of_freedom
    from campaigns
    left join arm_intervals as treated
        on campaigns.marketing_campaign_id = treated.marketing_campaign_id and not treated.is_held_out
    left join arm_intervals as held_out
        on campaigns.marketing_campaign_id = held_out.marketing_campaign_id and held_out.is_held_out

),

judged as (

    select
        compared.*,
        ends_on <= {{ as_of_date() }} as is_over,
        -- How far the split is from the promised one, in standard deviations.
        (held_out_customers - customers * holdout_percent / 100.0)
        / nullif(sqrt(customers * holdout_percent / 100.0 * (1 - holdout_percent / 100.0)), 0) as split_deviations,
        {{ student_half_width('squared_error', 'degrees_of_freedom') }} as revenue_half_width
    from compared

),

shown as (

    select
        judged.*,
        coalesce(abs(split_deviations) <= 3.290527, true) as is_split_as_promised,
        case when is_large_enough then conversion_lift end as shown_conversion_lift,
        case when is_large_enough then conversion_lift - conversion_below end as conversion_lift_from,
        case when is_large_enough then conversion_lift + conversion_above end as conversion_lift_to,
        case when is_large_enough then revenue_lift end as shown_revenue_lift,
        case when is_large_enough then revenue_lift - revenue_half_width end as revenue_lift_from,
        case when is_large_enough then revenue_lift + revenue_half_width end as revenue_lift_to
    from judged

)

select
    marketing_campaign_id,
    {{ as_of_date() }} as as_of_date,
    segment,
    starts_on,
    ends_on,
    is_over,
    cast(holdout_percent as {{ decimal_type(18, 2) }}) as holdout_percent,
    cast(customers as bigint) as customers,
    cast(treated_customers as bigint) as treated_customers,
    cast(held_out_customers as bigint) as held_out_customers,
    is_split_as_promised,
    cast(treated_buyers as bigint) as treated_buyers,
    cast(held_out_buyers as bigint) as held_out_buyers,
    cast(treated_net_revenue as {{ decimal_type(18, 2) }}) as treated_net_revenue,
    cast(held_out_net_revenue as {{ decimal_type(18, 2) }}) as held_out_net_revenue,
    cast(shown_conversion_lift as {{ decimal_type(18, 8) }}) as conversion_lift,
    cast(conversion_lift_from as {{ decimal_type(18, 8) }}) as conversion_lift_from,
    cast(conversion_lift_to as {{ decimal_type(18, 8) }}) as conversion_lift_to,
    cast(shown_revenue_lift as {{ decimal_type(18, 6) }}) as net_revenue_lift,
    cast(revenue_lift_from as {{ decimal_type(18, 6) }}) as net_revenue_lift_from,
    cast(revenue_lift_to as {{ decimal_type(18, 6) }}) as net_revenue_lift_to,
    case
        when not is_registered
            then {{ dbt.concat(["'There is no segment '", "segment", "': nobody can be treated or held out.'"]) }}
        when starts_on > {{ as_of_date() }} then 'The campaign has not begun.'
        when customers = 0 then 'Nobody was in the segment before the campaign began: there is nobody to compare.'
        when held_out_customers = 0 then 'Nobody is held out: there is nothing to compare with.'
        when not is_large_enough then 'An arm holds fewer than {{ var("min_arm_customers") }} customers: no result is shown.'
        when not is_split_as_promised then 'The arms do not have the promised sizes: trust no difference between them.'
        when not is_over then 'The campaign is still on: wait for its end.'
        when conversion_lift_from > 0 then 'More of the treated bought than would have without it.'
        when conversion_lift_to < 0 then 'Fewer of the treated bought than would have without it.'
        else 'No difference is shown: what lies between the limits is possible, nothing included.'
    end as verdict
from shown
