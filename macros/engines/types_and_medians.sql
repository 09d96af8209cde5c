{# The type of a decimal number of so many digits, so many of them behind the point. BigQuery casts to no such type. #}
{% macro decimal_type(digits, places) -%}
    {{ adapter.dispatch('decimal_type', 'ecommerce_segments')(digits, places) }}
{%- endmacro %}

{% macro default__decimal_type(digits, places) -%}
    decimal({{ digits }}, {{ places }})
{%- endmacro %}

{# The middle one of a group's values, or the mean of the two in the middle. Nulls are left out. #}
{% macro median(values) -%}
    {{ adapter.dispatch('median', 'ecommerce_segments')(values) }}
{%- endmacro %}

{% macro default__median(values) -%}
    percentile_cont(0.5) within group (order by {{ values }})
{%- endmacro %}

{# A text without these characters at its ends. #}
{% macro trimmed_of(text, characters) -%}
    {{ adapter.dispatch('trimmed_of', 'ecommerce_segments')(text, characters) }}
{%- endmacro %}

{% macro default__trimmed_of(text, characters) -%}
    trim(both {{ text_literal(characters) }} from {{ text }})
{%- endmacro %}
