-- One row per comparison: what its treated bought more than its held out, by three estimates of the same difference. `plain` is
-- that of the means; `cuped` takes out what the revenue before foretells; `stratified` compares within value tiers.
{% set estimates = [
    ('conversion', 'conversion', 'plain'), ('net_revenue', 'net_revenue', 'plain'),
    ('cuped_conversion', 'conversion', 'cuped'), ('cuped_net_revenue', 'net_revenue', 'cuped'),
    ('stratified_conversion', 'conversion', 'stratified'), ('stratified_net_revenue', 'net_revenue', 'stratified')
] %}
with

people as (

    select * from {{ ref('int_compared_people') }}

),

comparisons as (

    select
        kind,
        comparison_id,
        starts_on,
        ends_on,
        holdout_percent,
        ends_on <= {{ as_of_date() }} as is_final,
        count(*) as customers,
        sum(case when is_held_out then 0 else 1 end) as treated_customers,
        sum(case when is_held_out then 1 else 0 end) as held_out_customers,
        sum(case when is_held_out then 0 else is_buyer end) as treated_buyers,
        sum(case when is_held_out then is_buyer else 0 end) as held_out_buyers,
        sum(case when is_held_out then 0 else net_revenue end) as treated_net_revenue,
        sum(case when is_held_out then net_revenue else 0 end) as held_out_net_revenue
    from people
    group by kind, comparison_id, starts_on, ends_on, holdout_percent

),

outcomes as (

    {% for measure, column in [('conversion', 'is_buyer'), ('net_revenue', 'net_revenue')] %}
    select
        kind,
        comparison_id,
        is_held_out,
        value_tier,
        '{{ measure }}' as measure,
        cast({{ column }} as {{ double_type() }}) as outcome,
        cast(past_net_revenue as {{ double_type() }}) as past
    from people
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

means as (

    select
        kind,
        comparison_id,
        measure,
        avg(outcome) as mean_outcome,
        avg(past) as mean_past,
        max(outcome) > min(outcome) and max(past) > min(past) as do_both_vary
    from outcomes
    group by kind, comparison_id, measure

),

deviations as (

    select
        outcomes.*,
        means.do_both_vary,
        outcomes.outcome - means.mean_outcome as outcome_deviation,
        outcomes.past - means.mean_past as past_deviation
    from outcomes
    inner join means
        on
            outcomes.kind = means.kind
            and outcomes.comparison_id = means.comparison_id
            and outcomes.measure = means.measure

),

-- CUPED (Deng et al. 2013, doi.org/10.1145/2433396.2433413): theta, and the squared correlation, over both arms together.
slopes as (

    select
        kind,
        comparison_id,
        measure,
        case when do_both_vary then sum(past_deviation * outcome_deviation) / sum(power(past_deviation, 2)) else 0 end as theta,
        case
            when do_both_vary
                then
                    power(sum(past_deviation * outcome_deviation), 2)
                    / (sum(power(past_deviation, 2)) * sum(power(outcome_deviation, 2)))
            else 0
        end as variance_removed
    from deviations
    group by kind, comparison_id, measure, do_both_vary

),

compared_values as (

    select
        kind,
        comparison_id,
        measure,
        'plain' as estimate,
        'all' as stratum,
        is_held_out,
        outcome as compared_value
    from outcomes

    union all

    select
        deviations.kind,
        deviations.comparison_id,
        deviations.measure,
        'cuped' as estimate,
        'all' as stratum,
        deviations.is_held_out,
        deviations.outcome - slopes.theta * deviations.past_deviation as compared_value
    from deviations
    inner join slopes
        on
            deviations.kind = slopes.kind
            and deviations.comparison_id = slopes.comparison_id
            and deviations.measure = slopes.measure

    union all

    select
        kind,
        comparison_id,
        measure,
        'stratified' as estimate,
        value_tier as stratum,
        is_held_out,
        outcome as compared_value
    from outcomes

),

arms as (

    select
        kind,
        comparison_id,
        measure,
        estimate,
        stratum,
        is_held_out,
        cast(count(*) as {{ double_type() }}) as customers,
        avg(compared_value) as mean_value,
        var_samp(compared_value) / count(*) as squared_error
    from compared_values
    group by kind, comparison_id, measure, estimate, stratum, is_held_out

),

strata as (

    select
        kind,
        comparison_id,
        measure,
        estimate,
        sum(customers) as customers,
        min(customers) as smaller_arm,
        count(*) as arms,
        sum(case when is_held_out then -mean_value else mean_value end) as lift,
        sum(squared_error) as squared_error,
        sum(power(squared_error, 2) / nullif(customers - 1, 0)) as squared_error_uncertainty
    from arms
    group by kind, comparison_id, measure, estimate, stratum

),

-- Each stratum by its share of the customers. With one stratum this is Welch's comparison.
together as (

    select
        kind,
        comparison_id,
        measure,
        estimate,
        case when min(arms) = 2 and min(smaller_arm) >= 2 then sum(customers * lift) / sum(customers) end as lift,
        sum(power(customers, 2) * squared_error) / power(sum(customers), 2) as squared_error,
        power(sum(power(customers, 2) * squared_error), 2)
        / nullif(sum(power(customers, 4) * squared_error_uncertainty), 0) as degrees_of_freedom
    from strata
    group by kind, comparison_id, measure, estimate

),

limited as (

    select
        together.*,
        {{ lift_half_width('comparisons.is_final', 'together.squared_error', 'together.degrees_of_freedom') }} as half_width
    from together
    inner join comparisons on together.kind = comparisons.kind and together.comparison_id = comparisons.comparison_id

),

side_by_side as (

    select
        {% for name, measure, estimate in estimates %}
        max(case when measure = '{{ measure }}' and estimate = '{{ estimate }}' then lift end) as {{ name }}_lift,
        max(case when measure = '{{ measure }}' and estimate = '{{ estimate }}' then half_width end) as {{ name }}_half_width,
        {% endfor %}
        kind,
        comparison_id
    from limited
    group by kind, comparison_id

),

shares_removed as (

    select
        kind,
        comparison_id,
        max(case when measure = 'conversion' then variance_removed end) as conversion_variance_removed,
        max(case when measure = 'net_revenue' then variance_removed end) as net_revenue_variance_removed
    from slopes
    group by kind, comparison_id

),

shares_of_buyers as (

    select
        comparisons.*,
        1.0 * treated_buyers / nullif(treated_customers, 0) as treated_share,
        1.0 * held_out_buyers / nullif(held_out_customers, 0) as held_out_share,
        case when is_final then {{ normal_quantile() ** 2 }} else {{ sequence_quantile() ** 2 }} end as squared_quantile
    from comparisons

),

share_limits as (

    select
        shares_of_buyers.*,
        {{ wilson_limit('lower', 'treated_buyers', 'treated_customers', 'squared_quantile') }} as treated_share_from,
        {{ wilson_limit('upper', 'treated_buyers', 'treated_customers', 'squared_quantile') }} as treated_share_to,
        {{ wilson_limit('lower', 'held_out_buyers', 'held_out_customers', 'squared_quantile') }} as held_out_share_from,
        {{ wilson_limit('upper', 'held_out_buyers', 'held_out_customers', 'squared_quantile') }} as held_out_share_to
    from shares_of_buyers

),

judged as (

    select
        share_limits.*,
        -- How far the split is from the promised one, in standard deviations.
        (held_out_customers - customers * holdout_percent / 100.0)
        / nullif(sqrt(customers * holdout_percent / 100.0 * (1 - holdout_percent / 100.0)), 0) as split_deviations,
        least(treated_customers, held_out_customers) >= {{ var('min_arm_customers') }} as is_large_enough,
        {{ newcombe_reach('treated_share', 'treated_share_from', 'held_out_share', 'held_out_share_to') }} as conversion_below,
        {{ newcombe_reach('treated_share', 'treated_share_to', 'held_out_share', 'held_out_share_from') }} as conversion_above
    from share_limits

),

shown as (

    select
        judged.*,
        -- While a comparison runs, nothing can be told from the variance of an arm in which hardly anybody has bought yet.
        is_large_enough and (is_final or least(treated_buyers, held_out_buyers) >= {{ var('min_arm_buyers') }})
            as has_enough_buyers
    from judged

)

select
    shown.kind,
    shown.comparison_id,
    shown.starts_on,
    shown.ends_on,
    shown.holdout_percent,
    shown.is_final,
    shown.customers,
    shown.treated_customers,
    shown.held_out_customers,
    coalesce(abs(shown.split_deviations) <= 3.290527, true) as is_split_as_promised,
    shown.is_large_enough,
    shown.treated_buyers,
    shown.held_out_buyers,
    cast(case when shown.is_large_enough then estimates.conversion_lift end as {{ decimal_type(18, 8) }}) as conversion_lift,
    cast(case when shown.is_large_enough then estimates.conversion_lift - shown.conversion_below end as {{ decimal_type(18, 8) }})
        as conversion_lift_from,
    cast(case when shown.is_large_enough then estimates.conversion_lift + shown.conversion_above end as {{ decimal_type(18, 8) }})
        as conversion_lift_to,
    {% for name, measure, _ in estimates[1:] %}
    {% set type = decimal_type(18, 8 if measure == 'conversion' else 6) %}
    cast(case when shown.has_enough_buyers then estimates.{{ name }}_lift end as {{ type }}) as {{ name }}_lift,
    cast(case when shown.has_enough_buyers then estimates.{{ name }}_lift - estimates.{{ name }}_half_width end as {{ type }})
        as {{ name }}_lift_from,
    cast(case when shown.has_enough_buyers then estimates.{{ name }}_lift + estimates.{{ name }}_half_width end as {{ type }})
        as {{ name }}_lift_to,
    {% endfor %}
    {% for measure in ['conversion', 'net_revenue'] %}
    cast(case when shown.has_enough_buyers then shares_removed.{{ measure }}_variance_removed end as {{ decimal_type(18, 8) }})
        as {{ measure }}_variance_removed,
    {% endfor %}
    shown.treated_net_revenue,
    shown.held_out_net_revenue
from shown
inner join side_by_side as estimates on shown.kind = estimates.kind and shown.comparison_id = estimates.comparison_id
inner join shares_removed on shown.kind = shares_removed.kind and shown.comparison_id = shares_removed.comparison_id
