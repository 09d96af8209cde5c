{# An analysts' table: the seed, or the file of its name in RAW_DIR where one is delivered. #}
{% macro seed_or_file(name, columns) -%}
    {{ adapter.dispatch('seed_or_file')(name, columns) }}
{%- endmacro %}

{% macro default__seed_or_file(name, columns) -%}
    select {{ columns | join(', ') }} from {{ ref(name) }}
{%- endmacro %}

{% macro duckdb__seed_or_file(name, columns) -%}
    select {{ columns | join(', ') }} from {{ source('raw', name) }}
    union all
    select {{ columns | join(', ') }} from {{ ref(name) }}
    where '{{ name }}' not in (select table_name from {{ source('raw_files', 'delivered_tables') }})
{%- endmacro %}
