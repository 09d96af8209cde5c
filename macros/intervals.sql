{# The standard normal quantile of two-sided 95 % intervals. #}
{% macro normal_quantile() %}
    {{ return(1.959964) }}
{% endmacro %}

{# An end of Wilson's 95 % interval of a share: `lower` or `upper`. Null without trials. (Wilson 1927,
   doi.org/10.1080/01621459.1927.10502953) #}
{% macro wilson_limit(end, successes, trials) -%}
    {%- set z2 = normal_quantile() ** 2 -%}
    (2 * {{ successes }} + {{ z2 }} {{ {'lower': '-', 'upper': '+'}[end] }} sqrt({{ z2 }} * ({{ z2 }} + 4.0 * {{ successes }} * ({{ trials }} - {{ successes }}) / nullif({{ trials }}, 0))))
    / (2 * {{ trials }} + {{ 2 * z2 }})
{%- endmacro %}
