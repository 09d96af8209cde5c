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

{# The file of its name in RAW_DIR, even an empty one. #}
{% macro duckdb__seed_or_file(name, columns) -%}
    {%- if not var('read_raw_files') -%}
        {{ return(default__seed_or_file(name, columns)) }}
    {%- endif -%}
    select {{ columns | join(', ') }} from {{ raw_table(name) }}
    union all
    select {{ columns | join(', ') }} from {{ ref(name) }}
    where '{{ name }}' not in (select table_name from {{ source('raw_files', 'delivered_tables') }})
{%- endmacro %}
