{# The score 1 to 5 of a trait of the population. Quintiles: by the share of the population that is strictly worse, so that equal values score
   equally. Cut points: the score whose from_value was reached last on the way up. #}
{% macro rfm_score(trait, larger_is_worse=false) -%}
    {%- if var('rfm_method') == 'quintiles' -%}
        cast(1 + floor(5.0 * (rank() over (order by population.{{ trait }}{{ ' desc' if larger_is_worse }}) - 1) / count(*) over ()) as integer)
    {%- else -%}
        case
            {%- for score in (range(1, 5) if larger_is_worse else range(5, 1, -1)) %}
            when population.{{ trait }} >= cut_points.{{ trait }}_{{ score }} then {{ score }}
            {%- endfor %}
            else {{ 5 if larger_is_worse else 1 }}
        end
    {%- endif -%}
{%- endmacro %}
