-- One row per buyer with a purchase in the RFM window. Scores run from 1 (worst) to 5 (best); equal values score equally.
-- depends_on: {{ ref('rfm_cut_points') }}
with

purchases as (

    select * from {{ ref('int_purchases') }}
    where purchased_on > {{ days_ago(var('rfm_window_days')) }} and customer_id is not null

),

customer_purchases as (

    select * from {{ ref('int_customer_purchases') }}

),

customer_sessions as (

    select * from {{ ref('int_customer_sessions') }}

),

shop_sessions as (

    select count(*) as sessions from {{ ref('int_sessions') }}

),

totals as (

    select
        customer_id,
        max(purchased_on) as last_purchased_on,
        count(*) as frequency,
        cast(sum(net_revenue) as {{ decimal_type(18, 2) }}) as revenue
    from purchases
    group by customer_id

),

population as (

    select
        totals.customer_id,
        {{ days_between('totals.last_purchased_on', as_of_date()) }} as recency_days,
        totals.frequency,
        {{ average_amount('totals.revenue', 'totals.frequency') }} as monetary_value,
        totals.revenue,
        case when shop_sessions.sessions > 0 then coalesce(customer_sessions.sessions_90d, 0) end as sessions_90d,
        customer_purchases.gross_margin_estimate_in_window
    from totals
    cross join shop_sessions
    left join customer_sessions on totals.customer_id = customer_sessions.customer_id
    left join customer_purchases on totals.customer_id = customer_purchases.customer_id

),

{% if var('rfm_method') == 'cut_points' %}
cut_points as (

    select
        {% for trait in ['recency_days', 'frequency', 'monetary_value', 'revenue', 'sessions_90d'] %}
        {% for score in range(1, 6) %}
        max(case when trait = '{{ trait }}' and score = {{ score }} then from_value end) as {{ trait }}_{{ score }}
        {{- '' if trait == 'sessions_90d' and score == 5 else ',' }}
        {% endfor %}
        {% endfor %}
    from {{ ref('rfm_cut_points') }}

),

{% endif %}
scored as (

    select
        population.customer_id,
        population.recency_days,
        population.frequency,
        population.monetary_value,
        population.revenue,
        population.sessions_90d,
        {{ rfm_score('recency_days', larger_is_worse=true) }} as recency_score,
        {{ rfm_score('frequency') }} as frequency_score,
        {{ rfm_score('monetary_value') }} as monetary_score,
        {{ rfm_score('revenue') }} as revenue_score,
        case when population.sessions_90d is not null then {{ rfm_score('sessions_90d') }} end as visit_score,
        case
            when population.gross_margin_estimate_in_window is not null
                then {{ rank_score('population.gross_margin_estimate_in_window', 3) }}
        end as margin_third
    from population
    {% if var('rfm_method') == 'cut_points' %}cross join cut_points{% endif %}

)

select
    scored.*,
    case margin_third when 1 then 'low' when 2 then 'middle' when 3 then 'high' end as margin_tier,
    {{ dbt.concat([
        "cast(recency_score as " ~ dbt.type_string() ~ ")",
        "cast(frequency_score as " ~ dbt.type_string() ~ ")",
        "cast(monetary_score as " ~ dbt.type_string() ~ ")"
    ]) }} as rfm_code
from scored
