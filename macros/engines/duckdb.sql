{# DuckDB, where the raw tables are views over files (macros/raw_files). #}

{% macro duckdb__clock_changes() %}
    {%- if not var('read_raw_files') -%}
        {{ return(default__clock_changes()) }}
    {%- endif -%}
select * from {{ source('raw_files', 'clock_changes') }}
{% endmacro %}

{# One question and one answer: asked for each mart, they would take as long as a fifth of the marts themselves. #}
{% macro duckdb__describe_marts(marts) %}
    {% set columns = {} %}
    {% for place, column in fetch_rows(
        "select concat_ws('.', database_name, schema_name, table_name), column_name from duckdb_columns()"
    ) %}
        {% do columns.setdefault(place, []).append(column) %}
    {% endfor %}
    {% set comments = [] %}
    {% for mart in marts %}
        {% set told = description_of(mart.name) %}
        {% set table = mart.relation %}
        {% do comments.append('comment on ' ~ table.type ~ ' ' ~ table ~ ' is ' ~ text_literal(told.description)) %}
        {% for column in columns.get([table.database, table.schema, table.identifier] | join('.'), []) if column in told.columns %}
            {% do comments.append('comment on column ' ~ table ~ '.' ~ column ~ ' is ' ~ text_literal(told.columns[column].description)) %}
        {% endfor %}
    {% endfor %}
    {% do run_query('begin; ' ~ comments | join('; ') ~ '; commit') %}
{% endmacro %}

{# Asking the time zone for each row takes longer than reading the row. At an hour from which none of the zone's offsets leads to
   another day, the UTC date is the local one; an hour on each side is left for offsets that history may hold besides. #}
{% macro duckdb__local_date(timestamp) -%}
    {%- if var('shop_timezone') == 'UTC' -%}
        {{ return('cast(' ~ timestamp ~ ' as date)') }}
    {%- endif -%}
    {%- set timezone = modules.pytz.timezone(var('shop_timezone')) -%}
    {%- set hours = [] -%}
    {%- for month in range(1970 * 12, 2038 * 12) -%}
        {%- do hours.append(timezone.fromutc(modules.datetime.datetime(month // 12, month % 12 + 1, 15)).utcoffset().total_seconds() / 3600) -%}
    {%- endfor -%}
    {%- set first_hour = [0, 1 - (hours | min) | round(0, 'floor') | int] | max -%}
    {%- set last_hour = [23, 22 - (hours | max) | round(0, 'ceil') | int] | min -%}
    {%- if first_hour > last_hour -%}
        {{ default__local_date(timestamp) }}
    {%- else -%}
        case
            when extract(hour from {{ timestamp }}) between {{ first_hour }} and {{ last_hour }} then cast({{ timestamp }} as date)
            else {{ default__local_date(timestamp) }}
        end
    {%- endif -%}
{%- endmacro %}

{% macro duckdb__days_between(earlier, later) -%}
    cast(date_diff('day', {{ earlier }}, {{ later }}) as integer)
{%- endmacro %}

{% macro duckdb__sha256_hex(text) -%}
    sha256({{ text }})
{%- endmacro %}

{% macro duckdb__key_hash(text) -%}
    hash({{ text }})
{%- endmacro %}

{% macro duckdb__hash_bucket(text, buckets) -%}
    (cast('0x' || substr({{ sha256_hex(text) }}, 1, 8) as bigint) % {{ buckets }})
{%- endmacro %}

{% macro duckdb__matches(text, pattern) -%}
    regexp_matches({{ text }}, '{{ pattern }}')
{%- endmacro %}

{% macro duckdb__lower_case(text) -%}
    lower({{ text }})
{%- endmacro %}

{% macro duckdb__binary_collation(text) -%}
    {{ text }}
{%- endmacro %}

{% macro duckdb__named_values(columns) -%}
    cast(json_object(
        {%- for name, value in columns.items() %}'{{ name }}', {{ value }}{{ ', ' if not loop.last }}{% endfor -%}
    ) as varchar)
{%- endmacro %}

{% macro duckdb__unreadable(column) -%}
    {{ column ~ '__unreadable' if var('read_raw_files') else default__unreadable(column) }}
{%- endmacro %}

{% macro duckdb__unreadable_columns(columns) -%}
    {%- set names = [] -%}
    {%- for column in columns if var('read_raw_files') -%}
        {%- do names.append(column ~ '__unreadable') -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{% macro duckdb__raise_error(message) -%}
    error({{ message }}) is null
{%- endmacro %}

{% macro duckdb__gather_statistics(table) -%}
{%- endmacro %}

{# DuckDB divides decimals as doubles, and 128 bits slowly: what fits into 64 is divided there. Up to 4 million, doubles hold the
   millionths exactly. #}
{% macro duckdb__quotient(dividend, divisor, places, digits) -%}
    {%- if places == 6 -%}
        {%- set millionths = 'cast(round(cast(' ~ dividend ~ ' as double) * 1000000) as bigint)' -%}
        {%- set divisor_millionths = 'cast(round(cast(' ~ divisor ~ ' as double) * 1000000) as bigint)' -%}
        case
            when abs({{ dividend }}) < 4000000 and {{ divisor }} >= 1 and {{ divisor }} < 4000000
                then cast(
                    cast(
                        sign({{ millionths }}) * ((2 * abs({{ millionths }}) * 1000000 + {{ divisor_millionths }}) // (2 * {{ divisor_millionths }}))
                        as double
                    ) / 1000000 as decimal({{ digits }}, 6)
                )
            else {{ wide_quotient(dividend, divisor, places, digits) }}
        end
    {%- else -%}
        {{ wide_quotient(dividend, divisor, places, digits) }}
    {%- endif -%}
{%- endmacro %}

{% macro wide_quotient(dividend, divisor, places, digits) -%}
    {%- set whole_dividend = 'cast(cast(' ~ dividend ~ ' as decimal(28, 6)) * 1000000 as hugeint)' -%}
    {%- set whole_divisor = 'cast(cast(' ~ divisor ~ ' as decimal(28, 6)) * 1000000 as hugeint)' -%}
    cast(
        cast(
            sign({{ whole_dividend }}) * (
                (2 * abs({{ whole_dividend }}) * {{ 10 ** places }} + {{ whole_divisor }}) // nullif(2 * {{ whole_divisor }}, 0)
            ) as decimal(28, 0)
        ) * {{ '0.' ~ '0' * (places - 1) ~ '1' }} as decimal({{ digits }}, {{ places }})
    )
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

{# A table is read as it is, and not through a view that makes its values fit. #}
{% macro duckdb__fitting_types(contract_type) %}
    {{ return(['varchar' if contract_type == 'text' else contract_type]) }}
{% endmacro %}

{% macro duckdb__columns_in(schema) %}
    {{ return(fetch_rows(
        "select table_name, column_name, lower(data_type) from duckdb_columns()"
        ~ " where database_name = '" ~ schema.database ~ "' and schema_name = '" ~ schema.schema ~ "'"
    )) }}
{% endmacro %}

{% macro duckdb__ga4_nested(column) -%}
    {{ column }}
{%- endmacro %}

{% macro duckdb__ga4_field(record, path) -%}
    {{ record }}.{{ path }}
{%- endmacro %}

{# The keys of an event are listed once for all that one select looks up. #}
{% macro duckdb__ga4_parameter(key) -%}
    {%- set value = "event_params[list_position([p.key for p in event_params], '" ~ key ~ "')].value" -%}
    coalesce({{ value }}.string_value, cast({{ value }}.int_value as varchar))
{%- endmacro %}

{# Hashes of 64 bits are enough within a session, and take a third of the time. #}
{% macro duckdb__ga4_hit_key() -%}
    hash(event_timestamp, batch_page_id, batch_ordering_id, batch_event_index, {{ ga4_fingerprint() }})
{%- endmacro %}

{% macro duckdb__ga4_event_id() -%}
    concat(session_id, '-', hash(event_type, hit_key, item_number, item_id))
{%- endmacro %}

{# A sum has no order: sorting takes three times as long. #}
{% macro duckdb__ga4_fingerprint() -%}
    list_sum([hash(p) for p in event_params])
{%- endmacro %}

{% macro duckdb__ga4_by_item(hits) -%}
    select *, unnest(range(1, greatest(len(items), 1) + 1)) as item_number from {{ hits }}
{%- endmacro %}

{% macro duckdb__ga4_item(field) -%}
    items[item_number].{{ field }}
{%- endmacro %}

{% macro duckdb__ga4_moment(microseconds) -%}
    make_timestamp(cast({{ microseconds }} as bigint))
{%- endmacro %}

{% macro duckdb__ga4_loaded_at(event_date) -%}
    strptime({{ event_date }}, '%Y%m%d') + interval 3 days
{%- endmacro %}
