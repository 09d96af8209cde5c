{# Amazon Redshift. Compiled and checked for syntax, never executed (docs/warehouses.md). What is not here is PostgreSQL's: dbt looks
   for Redshift's macro, then for PostgreSQL's, then for the default. Text sorts by code point, so that it is its own sort key. #}

{% macro redshift__utc_in_zone(clock_time, zone) -%}
    {{ return("convert_timezone('" ~ zone ~ "', 'UTC', " ~ clock_time ~ ')') }}
{%- endmacro %}

{% macro redshift__clock_time_of(moment, zone) -%}
    {{ return("convert_timezone('UTC', '" ~ zone ~ "', " ~ moment ~ ')') }}
{%- endmacro %}

{# Columns of a view that is bound late are not known before it is read: they have no comments. #}
{% macro redshift__create_described_view(view, sql, description, columns) %}
    {% do run_query('create or replace view ' ~ view ~ ' as ' ~ sql ~ ' with no schema binding') %}
    {% do run_query('comment on view ' ~ view ~ ' is ' ~ description) %}
{% endmacro %}

{% macro redshift__run_at_once(sql) %}
    {% do run_query(sql) %}
{% endmacro %}

{% macro redshift__schemas() %}
    {{ return(run_query('select nspname from pg_namespace').columns[0].values()) }}
{% endmacro %}

{% macro redshift__local_date(timestamp) -%}
    cast(convert_timezone('UTC', '{{ var("shop_timezone") }}', {{ timestamp }}) as date)
{%- endmacro %}

{% macro redshift__days_between(earlier, later) -%}
    datediff(day, {{ earlier }}, {{ later }})
{%- endmacro %}

{% macro redshift__sha256_hex(text) -%}
    sha2({{ text }}, 256)
{%- endmacro %}

{% macro redshift__hash_bucket(text, buckets) -%}
    mod(strtol(substring({{ sha256_hex(text) }}, 1, 8), 16), {{ buckets }})
{%- endmacro %}

{% macro redshift__key_hash(text) -%}
    coalesce(farmfingerprint64({{ text }}), 0)
{%- endmacro %}

{% macro redshift__matches(text, pattern) -%}
    {{ text }} ~ '{{ pattern }}'
{%- endmacro %}

{% macro redshift__lower_case(text) -%}
    lower({{ text }})
{%- endmacro %}

{% macro redshift__binary_collation(text) -%}
    {{ text }}
{%- endmacro %}

{% macro redshift__named_values(columns) -%}
    json_serialize(object(
        {%- for name, value in columns.items() %}'{{ name }}', {{ value }}{{ ', ' if not loop.last }}{% endfor -%}
    ))
{%- endmacro %}

{# `create table as` gathers them. #}
{% macro redshift__gather_statistics(table) -%}
{%- endmacro %}

{# `div` is unknown, and `/` keeps a number of places of its own choosing. #}
{% macro redshift__quotient(dividend, divisor, places, digits) -%}
    {{ quotient_without_remainder(dividend, divisor, places, digits) }}
{%- endmacro %}

{# A plain text has room for 256 bytes, and a plain numeric for no places. #}
{% macro redshift__raw_column_type(contract_type) %}
    {{ return('varchar(65535)' if contract_type == 'text' else contract_type) }}
{% endmacro %}

{# What is not said of Redshift, dbt takes from PostgreSQL; Redshift cannot run its blocks of statements. #}
{% macro redshift__publish(marts, kept) %}
    {% do default__publish(marts, kept) %}
{% endmacro %}

{% macro redshift__rollback() %}
    {% do default__rollback() %}
{% endmacro %}

{% macro redshift__replaced_matches(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}')
{%- endmacro %}

{% macro redshift__group_reference(number) -%}
    ${{ number }}
{%- endmacro %}

{% macro redshift__sorted_list(texts) -%}
    listagg({{ texts }}, ', ') within group (order by {{ binary_collation(texts) }})
{%- endmacro %}

{% macro redshift__join_by_hash() -%}
{%- endmacro %}
