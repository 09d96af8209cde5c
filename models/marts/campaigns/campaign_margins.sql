-- One row per marketing campaign and value tier of its audience, and of all tiers together: what the treated earned the shop more
-- than the held out, and what is left of it after the campaign's costs.
with

campaigns as (

    select * from {{ ref('stg_marketing_campaigns') }}

),

shop as (

    {{ shop_margin_rate() }}

),

bought as (

    select
        audiences.comparison_id as marketing_campaign_id,
        audiences.customer_id,
        audiences.is_held_out,
        audiences.value_tier,
        coalesce(sum(purchases.net_revenue), 0) as net_revenue,
        coalesce(sum(case when purchases.gross_margin is not null then purchases.net_revenue end), 0) as costed_net_revenue,
        coalesce(sum(purchases.gross_margin), 0) as costed_gross_margin
    from {{ ref('int_compared_people') }} as audiences
    left join {{ ref('int_purchases') }} as purchases
        on
            audiences.customer_id = purchases.customer_id
            and purchases.purchased_on between audiences.starts_on and audiences.ends_on
    where audiences.kind = 'campaign'
    group by audiences.comparison_id, audiences.customer_id, audiences.is_held_out, audiences.value_tier

),

people as (

    select
        bought.marketing_campaign_id,
        bought.is_held_out,
        bought.value_tier,
        {{ estimated_margin(
            'bought.net_revenue', 'bought.costed_net_revenue', 'bought.costed_gross_margin', 'shop.margin_rate'
        ) }} as gross_margin
    from bought
    cross join shop

),

members as (

    select
        marketing_campaign_id,
        is_held_out,
        value_tier as row_tier,
        gross_margin
    from people

    union all

    select
        marketing_campaign_id,
        is_held_out,
        'all' as row_tier,
        gross_margin
    from people

),

arms as (

    select
        marketing_campaign_id,
        row_tier as value_tier,
        is_held_out,
        count(*) as customers,
        case when count(gross_margin) = count(*) then sum(gross_margin) end as gross_margin,
        avg(cast(gross_margin as {{ double_type() }})) as mean_margin,
        var_samp(cast(gross_margin as {{ double_type() }})) / count(*) as squared_error
    from members
    group by marketing_campaign_id, row_tier, is_held_out

),

rows_to_tell as (

    select distinct
        marketing_campaign_id,
        value_tier
    from arms

),

treated_people as (

    select
        marketing_campaign_id,
        customers as treated_customers
    from arms
    where value_tier = 'all' and not is_held_out

),

-- An offer's cost is shared by all of the treated; who names no cost has none.
compared as (

    select
        rows_to_tell.marketing_campaign_id,
        rows_to_tell.value_tier,
        coalesce(treated.customers, 0) as treated_customers,
        coalesce(held_out.customers, 0) as held_out_customers,
        treated.gross_margin as treated_gross_margin,
        held_out.gross_margin as held_out_gross_margin,
        treated.customers >= {{ var('min_arm_customers') }}
        and held_out.customers >= {{ var('min_arm_customers') }}
        and treated.gross_margin is not null
        and held_out.gross_margin is not null as is_shown,
        treated.mean_margin - held_out.mean_margin as lift,
        {{ student_half_width(
            'treated.squared_error + held_out.squared_error', welch_degrees_of_freedom('treated', 'held_out')
        ) }} as half_width,
        coalesce(campaigns.cost_per_message, 0)
        + coalesce(campaigns.offer_cost, 0) / cast(treated_people.treated_customers as {{ double_type() }})
            as cost_per_treated_customer
    from rows_to_tell
    inner join campaigns on rows_to_tell.marketing_campaign_id = campaigns.marketing_campaign_id
    left join treated_people on rows_to_tell.marketing_campaign_id = treated_people.marketing_campaign_id
    left join arms as treated
        on
            rows_to_tell.marketing_campaign_id = treated.marketing_campaign_id
            and rows_to_tell.value_tier = treated.value_tier
            and not treated.is_held_out
    left join arms as held_out
        on
            rows_to_tell.marketing_campaign_id = held_out.marketing_campaign_id
            and rows_to_tell.value_tier = held_out.value_tier
            and held_out.is_held_out

)

select
    marketing_campaign_id,
    value_tier,
    {{ as_of_date() }} as as_of_date,
    cast(treated_customers as bigint) as treated_customers,
    cast(held_out_customers as bigint) as held_out_customers,
    cast(treated_gross_margin as {{ decimal_type(28, 6) }}) as treated_gross_margin,
    cast(held_out_gross_margin as {{ decimal_type(28, 6) }}) as held_out_gross_margin,
    cast(cost_per_treated_customer as {{ decimal_type(18, 6) }}) as cost_per_treated_customer,
    cast(case when is_shown then lift end as {{ decimal_type(18, 6) }}) as gross_margin_lift,
    cast(case when is_shown then lift - half_width end as {{ decimal_type(18, 6) }}) as gross_margin_lift_from,
    cast(case when is_shown then lift + half_width end as {{ decimal_type(18, 6) }}) as gross_margin_lift_to,
    cast(case when is_shown then lift - cost_per_treated_customer end as {{ decimal_type(18, 6) }}) as net_margin_lift,
    cast(case when is_shown then lift - cost_per_treated_customer - half_width end as {{ decimal_type(18, 6) }})
        as net_margin_lift_from,
    cast(case when is_shown then lift - cost_per_treated_customer + half_width end as {{ decimal_type(18, 6) }})
        as net_margin_lift_to
from compared
