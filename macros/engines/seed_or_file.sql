{# An analysts' table: the seed, or what is delivered in its place. #}
{% macro seed_or_file(name, columns) -%}
    {{ adapter.dispatch('seed_or_file', 'ecommerce_segments')(name, columns) }}
{%- endmacro %}

{# The raw table of its name, if it holds a row. #}
{% macro default__seed_or_file(name, columns) -%}
    select {{ columns | join(', ') }} from {{ raw_table(name) }}
    union all
    select {{ columns | join(', ') }} from {{ ref(name) }}
    where not exists (select 1 from {{ raw_table(name) }})
{%- endmacro %}
