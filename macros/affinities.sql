{# Which things go together: the ordered pairs of what buyers hold, products or categories, and the ten best others of each. Buyers and
   things are counted as whole numbers, in the order of their ids, as texts would take twice the time and memory. A pair is computed
   once, so that both of its directions are equal to the last place. #}
{% macro affinities(thing, id) -%}
with

held_things as (

    select distinct
        customer_id,
        {{ id }}
    from {{ ref('int_product_purchases') }}
    where is_kept and not is_reseller and purchased_on > {{ days_ago(365) }} and {{ id }} is not null

),

everybody as (

    select count(distinct customer_id) as buyers from held_things

),

-- Of others no pair has so many buyers.
things as (

    select
        {{ id }},
        row_number() over (order by {{ binary_collation(id) }}) as thing_key,
        count(*) as buyers
    from held_things
    group by {{ id }}
    having count(*) >= {{ var('affinity_min_buyers') }}

),

buyers as (

    select
        customer_id,
        row_number() over (order by customer_id) as buyer_key
    from held_things
    group by customer_id
    having count(*) > 1

),

held as (

    select
        buyers.buyer_key,
        things.thing_key
    from held_things
    inner join buyers on held_things.customer_id = buyers.customer_id
    inner join things on held_things.{{ id }} = things.{{ id }}

),

pairs as (

    select
        held.thing_key,
        other_held.thing_key as other_key,
        count(*) as common_buyers
    from held
    inner join held as other_held on held.buyer_key = other_held.buyer_key and held.thing_key < other_held.thing_key
    group by held.thing_key, other_held.thing_key
    having count(*) >= {{ var('affinity_min_buyers') }}

),

measured as (

    select
        pairs.thing_key,
        pairs.other_key,
        pairs.common_buyers,
        things.buyers as thing_buyers,
        other_things.buyers as other_buyers,
        everybody.buyers,
        {{ quotient('pairs.common_buyers * everybody.buyers', 'things.buyers * other_things.buyers', 8) }} as lift,
        {{ log_likelihood_ratio('pairs.common_buyers', 'things.buyers', 'other_things.buyers', 'everybody.buyers') }}
            as log_likelihood_ratio
    from pairs
    inner join things on pairs.thing_key = things.thing_key
    inner join things as other_things on pairs.other_key = other_things.thing_key
    cross join everybody

),

directed as (

    select
        thing_key,
        other_key,
        common_buyers,
        thing_buyers,
        other_buyers,
        buyers,
        lift,
        log_likelihood_ratio
    from measured
    where lift > 1

    union all

    select
        other_key as thing_key,
        thing_key as other_key,
        common_buyers,
        other_buyers as thing_buyers,
        thing_buyers as other_buyers,
        buyers,
        lift,
        log_likelihood_ratio
    from measured
    where lift > 1

),

ranked as (

    select
        directed.*,
        row_number() over (
            partition by thing_key order by log_likelihood_ratio desc, common_buyers desc, other_key
        ) as affinity_number
    from directed

)

select
    things.{{ id }},
    other_things.{{ id }} as other_{{ id }},
    ranked.affinity_number,
    ranked.buyers,
    ranked.thing_buyers as {{ thing }}_buyers,
    ranked.other_buyers as other_{{ thing }}_buyers,
    ranked.common_buyers,
    {{ quotient('ranked.common_buyers', 'ranked.buyers', 8) }} as support,
    {{ quotient('ranked.common_buyers', 'ranked.thing_buyers', 8) }} as confidence,
    ranked.lift,
    ranked.log_likelihood_ratio
from ranked
inner join things on ranked.thing_key = things.thing_key
inner join things as other_things on ranked.other_key = other_things.thing_key
where ranked.affinity_number <= 10
{%- endmacro %}

{# Dunning's G2 of the 2 x 2 table of who holds both things, one alone, the other alone and none, to 6 places: rounded, it is the same on
   each engine. (Dunning 1993, Accurate Methods for the Statistics of Surprise and Coincidence) #}
{% macro log_likelihood_ratio(both, buyers, other_buyers, everybody) -%}
    {%- set others = '(' ~ everybody ~ ' - ' ~ buyers ~ ')' -%}
    {%- set other_others = '(' ~ everybody ~ ' - ' ~ other_buyers ~ ')' -%}
    cast(
        2 * (
            {{ surprise(both, buyers, other_buyers, everybody) }}
            + {{ surprise('(' ~ buyers ~ ' - ' ~ both ~ ')', buyers, other_others, everybody) }}
            + {{ surprise('(' ~ other_buyers ~ ' - ' ~ both ~ ')', others, other_buyers, everybody) }}
            + {{ surprise('(' ~ everybody ~ ' - ' ~ buyers ~ ' - ' ~ other_buyers ~ ' + ' ~ both ~ ')', others, other_others, everybody) }}
        ) as {{ decimal_type(28, 6) }}
    )
{%- endmacro %}

{# A cell's part of it: how many there are, times the logarithm of that over the number expected by chance. An empty cell has none. #}
{% macro surprise(found, row, column, everybody) -%}
    case
        when {{ found }} > 0
            then {{ found }} * ln(
                cast({{ found }} as {{ double_type() }}) * {{ everybody }} / (cast({{ row }} as {{ double_type() }}) * {{ column }})
            )
        else 0
    end
{%- endmacro %}
