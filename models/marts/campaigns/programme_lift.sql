-- One row per calendar quarter, of the last 8, in which some of those whom mail could reach got no marketing message: what the
-- others bought more.
{% set lifts = [
    'conversion_lift', 'net_revenue_lift', 'cuped_conversion_lift', 'cuped_net_revenue_lift',
    'stratified_conversion_lift', 'stratified_net_revenue_lift'
] %}
select
    comparison_id as calendar_quarter,
    {{ as_of_date() }} as as_of_date,
    starts_on,
    ends_on,
    is_final,
    cast(holdout_percent as {{ decimal_type(18, 2) }}) as holdout_percent,
    {% for count in ['customers', 'treated_customers', 'held_out_customers', 'treated_buyers', 'held_out_buyers'] %}
    cast({{ count }} as bigint) as {{ count }},
    {% endfor %}
    is_split_as_promised,
    cast(treated_net_revenue as {{ decimal_type(18, 2) }}) as treated_net_revenue,
    cast(held_out_net_revenue as {{ decimal_type(18, 2) }}) as held_out_net_revenue,
    {% for lift in lifts %}
    {{ lift }},
    {{ lift }}_from,
    {{ lift }}_to,
    {% endfor %}
    conversion_variance_removed,
    net_revenue_variance_removed,
    case
        when held_out_customers = 0 then 'Nobody is held out: there is nothing to compare with.'
        else {{ lift_verdict('lifts', 'The quarter is still on: wait for its end.') }}
    end as verdict
from {{ ref('int_lifts') }} as lifts
where kind = 'quarter'
