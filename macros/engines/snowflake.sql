{# Snowflake. Compiled and checked for syntax, never executed (docs/warehouses.md). Timestamps are timestamp_ntz, in UTC; text without
   a collation sorts by code point, so that the text is its own sort key. #}

{% macro snowflake__utc_in_zone(clock_time, zone) -%}
    {{ return("convert_timezone('" ~ zone ~ "', 'UTC', " ~ clock_time ~ ')') }}
{%- endmacro %}

{% macro snowflake__clock_time_of(moment, zone) -%}
    {{ return("convert_timezone('UTC', '" ~ zone ~ "', " ~ moment ~ ')') }}
{%- endmacro %}

{% macro snowflake__create_described_view(view, sql, description, columns) %}
    {% do run_query(
        'create or replace view ' ~ view ~ listed_columns(columns, ' comment ', '') ~ ' comment = ' ~ description ~ ' as ' ~ sql
    ) %}
{% endmacro %}

{% macro snowflake__local_date(timestamp) -%}
    cast(convert_timezone('UTC', '{{ var("shop_timezone") }}', {{ timestamp }}) as date)
{%- endmacro %}

{% macro snowflake__days_between(earlier, later) -%}
    datediff(day, {{ earlier }}, {{ later }})
{%- endmacro %}

{% macro snowflake__sha256_hex(text) -%}
    sha2({{ text }}, 256)
{%- endmacro %}

{% macro snowflake__hash_bucket(text, buckets) -%}
    mod(to_number(substr({{ sha256_hex(text) }}, 1, 8), 'XXXXXXXX'), {{ buckets }})
{%- endmacro %}

{% macro snowflake__key_hash(text) -%}
    hash({{ text }})
{%- endmacro %}

{# regexp_like would ask the whole text to match. #}
{% macro snowflake__matches(text, pattern) -%}
    regexp_instr({{ text }}, '{{ pattern | replace("\\", "\\\\") }}') > 0
{%- endmacro %}

{% macro snowflake__lower_case(text) -%}
    lower({{ text }})
{%- endmacro %}

{% macro snowflake__trimmed_of(text, characters) -%}
    trim({{ text }}, {{ text_literal(characters) }})
{%- endmacro %}

{% macro snowflake__binary_collation(text) -%}
    {{ text }}
{%- endmacro %}

{% macro snowflake__text_literal(text) -%}
    '{{ text | replace("\\", "\\\\") | replace("'", "''") }}'
{%- endmacro %}

{% macro snowflake__named_values(columns) -%}
    to_json(object_construct_keep_null(
        {%- for name, value in columns.items() %}'{{ name }}', {{ value }}{{ ', ' if not loop.last }}{% endfor -%}
    ))
{%- endmacro %}

{% macro snowflake__gather_statistics(table) -%}
{%- endmacro %}

{# Quotients are rounded, to 6 more places than the dividend's; what divides without a remainder is exact. 38 digits are all there are. #}
{% macro snowflake__quotient(dividend, divisor, places, digits) -%}
    {{ quotient_without_remainder(dividend, divisor, places, digits) }}
{%- endmacro %}

{% macro snowflake__expose_raw_files() %}
    {% do check_raw_tables() %}
{% endmacro %}

{% macro snowflake__fitting_types(contract_type) %}
    {{ return({
        'text': ['text'],
        'date': ['date'],
        'timestamp': ['timestamp_ntz'],
        'boolean': ['boolean'],
        'decimal': ['number']
    }[contract_type.split('(')[0]]) }}
{% endmacro %}

{# A number without digits and places would be a whole one. #}
{% macro snowflake__raw_column_type(contract_type) %}
    {{ return('timestamp_ntz' if contract_type == 'timestamp' else contract_type) }}
{% endmacro %}

{% macro snowflake__columns_in(schema) %}
    {{ return(fetch_rows(
        "select lower(table_name), lower(column_name), lower(data_type) from " ~ schema.database ~ ".information_schema.columns"
        ~ " where lower(table_schema) = '" ~ schema.schema | lower ~ "'"
    )) }}
{% endmacro %}

{% macro snowflake__utc_of_text(value) %}
    {{ return(utc_of_zoned('to_timestamp_tz(' ~ value ~ ')')) }}
{% endmacro %}

{% macro snowflake__utc_of_zoned(value) %}
    {{ return("convert_timezone('UTC', " ~ value ~ ')::timestamp_ntz') }}
{% endmacro %}

{% macro snowflake__replaced_matches(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}')
{%- endmacro %}

{% macro snowflake__group_reference(number) -%}
    \\{{ number }}
{%- endmacro %}

{% macro snowflake__sorted_list(texts) -%}
    listagg({{ texts }}, ', ') within group (order by {{ binary_collation(texts) }})
{%- endmacro %}
