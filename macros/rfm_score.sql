{# The score 1 to 5 of a trait of the population. Quintiles: by the share of the population that is strictly worse, so that equal values score
   equally. Cut points: the score whose from_value was reached last on the way up. #}
{% macro rfm_score(trait, larger_is_worse=false) -%}
    {%- if var('rfm_method') == 'quintiles' -%}
        {{ rank_score('population.' ~ trait, 5, larger_is_worse) }}
    {%- else -%}
        case
            {%- for score in (range(1, 5) if larger_is_worse else range(5, 1, -1)) %}
            when population.{{ trait }} >= cut_points.{{ trait }}_{{ score }} then {{ score }}
            {%- endfor %}
            else {{ 5 if larger_is_worse else 1 }}
        end
    {%- endif -%}
{%- endmacro %}

{# The part, from 1 (worst) to so many, that a row's value is in by the share of rows whose value is strictly worse. #}
{% macro rank_score(value, parts, larger_is_worse=false) -%}
    cast(1 + floor({{ parts }}.0 * (rank() over (order by {{ value }}{{ ' desc' if larger_is_worse }}) - 1) / count(*) over ()) as integer)
{%- endmacro %}
