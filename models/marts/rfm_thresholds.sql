-- One row per scored trait and score, with the value at which the score begins and the buyers who have it.
-- The columns trait, score and from_value are those of the seed rfm_cut_points: copied there, they freeze today's scores
-- (a score that nobody has is empty here, and needs a value between its neighbours there).
{% set score_of = {
    'recency_days': 'recency_score',
    'frequency': 'frequency_score',
    'monetary_value': 'monetary_score',
    'revenue': 'revenue_score',
    'sessions_90d': 'visit_score'
} %}
with

-- The seed has a row per trait and score, whatever the method.
scales as (

    select * from {{ ref('rfm_cut_points') }}

),

buyers as (

    {% for trait, score in score_of.items() %}
    select
        '{{ trait }}' as trait,
        {{ score }} as score,
        cast({{ trait }} as {{ decimal_type(28, 6) }}) as trait_value
    from {{ ref('int_rfm') }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

observed as (

    select
        trait,
        score,
        min(trait_value) as smallest_value,
        max(trait_value) as largest_value,
        count(*) as buyers
    from buyers
    group by trait, score

)

select
    {{ as_of_date() }} as as_of_date,
    scales.trait,
    scales.score,
    {% if var('rfm_method') == 'cut_points' %}
    cast(scales.from_value as {{ decimal_type(28, 6) }}) as from_value,
    {% else %}
    cast(observed.smallest_value as {{ decimal_type(28, 6) }}) as from_value,
    {% endif %}
    cast(observed.largest_value as {{ decimal_type(28, 6) }}) as to_value,
    cast(coalesce(observed.buyers, 0) as bigint) as customers
from scales
left join observed on scales.trait = observed.trait and scales.score = observed.score
