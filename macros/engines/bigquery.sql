{# BigQuery. Compiled and checked for syntax, never executed (docs/warehouses.md). A timestamp is a moment; text without a collation
   sorts by code point, so that the text is its own sort key. #}

{% macro bigquery__local_date(timestamp) -%}
    date({{ timestamp }}, '{{ var("shop_timezone") }}')
{%- endmacro %}

{% macro bigquery__days_between(earlier, later) -%}
    date_diff({{ later }}, {{ earlier }}, day)
{%- endmacro %}

{% macro bigquery__sha256_hex(text) -%}
    to_hex(sha256({{ text }}))
{%- endmacro %}

{% macro bigquery__hash_bucket(text, buckets) -%}
    mod(cast(concat('0x', substr({{ sha256_hex(text) }}, 1, 8)) as int64), {{ buckets }})
{%- endmacro %}

{% macro bigquery__key_hash(text) -%}
    coalesce(farm_fingerprint({{ text }}), 0)
{%- endmacro %}

{% macro bigquery__matches(text, pattern) -%}
    regexp_contains({{ text }}, r'{{ pattern }}')
{%- endmacro %}

{% macro bigquery__lower_case(text) -%}
    lower({{ text }})
{%- endmacro %}

{% macro bigquery__trimmed_of(text, characters) -%}
    trim({{ text }}, {{ text_literal(characters) }})
{%- endmacro %}

{% macro bigquery__binary_collation(text) -%}
    {{ text }}
{%- endmacro %}

{# Two quotes end a text and begin the next one, and a backslash escapes. #}
{% macro bigquery__text_literal(text) -%}
    '{{ text | replace("\\", "\\\\") | replace("'", "\\'") | replace("\n", "\\n") | replace("\r", "\\r") }}'
{%- endmacro %}

{% macro bigquery__double_type() -%}
    float64
{%- endmacro %}

{# A cast takes no digits and places: a numeric has 9 places, and what is stored under a contract is rounded to the column's. #}
{% macro bigquery__decimal_type(digits, places) -%}
    {{ 'numeric' if places <= 9 else 'bignumeric' }}
{%- endmacro %}

{# percentile_cont is no aggregate function here. #}
{% macro bigquery__median(values) -%}
    (
        array_agg({{ values }} ignore nulls order by {{ values }})[safe_offset(div(count({{ values }}) - 1, 2))]
        + array_agg({{ values }} ignore nulls order by {{ values }})[safe_offset(div(count({{ values }}), 2))]
    ) / 2
{%- endmacro %}

{% macro bigquery__named_values(columns) -%}
    to_json_string(struct(
        {%- for name, value in columns.items() %}{{ value }} as {{ name }}{{ ', ' if not loop.last }}{% endfor -%}
    ))
{%- endmacro %}

{% macro bigquery__raise_error(message) -%}
    error({{ message }}) is null
{%- endmacro %}

{% macro bigquery__gather_statistics(table) -%}
{%- endmacro %}

{# A numeric has 29 digits before the point, too few on the way; `/` would round, and a decimal written plainly is a float. #}
{% macro bigquery__quotient(dividend, divisor, places, digits) -%}
    {%- set dividend = 'cast(' ~ dividend ~ ' as bignumeric)' -%}
    {%- set divisor = 'cast(' ~ divisor ~ ' as bignumeric)' -%}
    cast(
        sign({{ dividend }}) * div(2 * abs({{ dividend }}) * {{ 10 ** places }} + {{ divisor }}, nullif(2 * {{ divisor }}, 0))
        * cast('{{ '0.' ~ '0' * (places - 1) ~ '1' }}' as bignumeric) as numeric
    )
{%- endmacro %}

{% macro bigquery__expose_raw_files() %}
    {% do check_raw_tables() %}
{% endmacro %}

{# A numeric keeps 9 places, fewer than the product of a quantity and a price has: bignumeric comes first. #}
{% macro bigquery__fitting_types(contract_type) %}
    {{ return({
        'text': ['string'],
        'date': ['date'],
        'timestamp': ['timestamp'],
        'boolean': ['bool'],
        'decimal': ['bignumeric', 'int64']
    }[contract_type.split('(')[0]]) }}
{% endmacro %}

{% macro bigquery__columns_in(schema) %}
    {% set found = [] %}
    {% for table, column, data_type in fetch_rows(
        'select table_name, column_name, lower(data_type) from ' ~ schema ~ '.INFORMATION_SCHEMA.COLUMNS'
    ) %}
        {% do found.append((table, column, data_type.split('(')[0])) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}

{# dbt asks for the types of a contract by casts, which take no digits and places here. #}
{% macro bigquery__get_empty_schema_sql(columns) %}
    {% set bare = {} %}
    {% for name, column in columns.items() %}
        {% do bare.update({name: dict(column, data_type=modules.re.sub('^decimal[(].*', 'numeric', column.data_type))}) %}
    {% endfor %}
    {{ return(dbt.default__get_empty_schema_sql(bare)) }}
{% endmacro %}

{% macro bigquery__days_later(timestamp, days) -%}
    {{ return('datetime_add(' ~ timestamp ~ ', interval ' ~ days ~ ' day)') }}
{%- endmacro %}

{% macro bigquery__utc_in_zone(clock_time, zone) -%}
    {{ return('datetime(timestamp(' ~ clock_time ~ ", '" ~ zone ~ "'), 'UTC')") }}
{%- endmacro %}

{% macro bigquery__clock_time_of(moment, zone) -%}
    {{ return("datetime(timestamp(" ~ moment ~ ", 'UTC'), '" ~ zone ~ "')") }}
{%- endmacro %}

{% macro bigquery__describe_table(table, description, columns) %}
    {% do run_query('alter table ' ~ table ~ ' set options (description = ' ~ text_literal(description) ~ ')') %}
    {% do alter_column_comment(table, columns) %}
{% endmacro %}

{% macro bigquery__create_described_view(view, sql, description, columns) %}
    {% do run_query(
        'create or replace view ' ~ view ~ listed_columns(columns, ' options (description = ', ')')
        ~ ' options (description = ' ~ description ~ ') as ' ~ sql
    ) %}
{% endmacro %}

{% macro bigquery__schemas() %}
    {{ return(adapter.list_schemas(target.database)) }}
{% endmacro %}

{# A table per day, read as one. Those of the day that is not over hold the same events as its table will. #}
{% macro bigquery__ga4_events() %}
    {%- set parts = [] -%}
    {%- set columns = {} -%}
    {%- for column in declared_columns('ga4', 'events') -%}
        {%- do columns.update({column.name: (column.name, none)}) -%}
    {%- endfor -%}
    {%- for entry in entries_of('ga4') -%}
        {%- set values = [] -%}
        {%- for column in declared_columns('ga4', 'events') -%}
            {%- do values.append(loaded_value(entry, column, columns) ~ ' as ' ~ column.name) -%}
        {%- endfor -%}
        {%- set place = place_of(entry, declared_table('ga4', 'events'), 'events_*') if execute else source('ga4', 'events') -%}
        {%- do parts.append(
            'select ' ~ values | join(', ') ~ ", cast(null as string) as source_error, '" ~ entry.id_prefix ~ "' as id_prefix, '" ~ entry.name
            ~ "' as source_name from " ~ place ~ " where _table_suffix not like 'intraday%'"
        ) -%}
    {%- endfor -%}
    {{ return(parts | join(' union all ')) }}
{% endmacro %}

{% macro bigquery__ga4_nested(column) -%}
    {{ column }}
{%- endmacro %}

{% macro bigquery__ga4_field(record, path) -%}
    {{ record }}.{{ path }}
{%- endmacro %}

{% macro bigquery__ga4_parameter(key) -%}
    (
        select coalesce(parameter.value.string_value, cast(parameter.value.int_value as string))
        from unnest(event_params) as parameter where parameter.key = '{{ key }}' limit 1
    )
{%- endmacro %}

{% macro bigquery__ga4_fingerprint() -%}
    (select to_hex(md5(string_agg(to_json_string(parameter), ',' order by to_json_string(parameter)))) from unnest(event_params) as parameter)
{%- endmacro %}

{% macro bigquery__ga4_by_item(hits) -%}
    select {{ hits }}.*, item_number from {{ hits }} cross join unnest(generate_array(1, greatest(coalesce(array_length(items), 0), 1))) as item_number
{%- endmacro %}

{% macro bigquery__ga4_item(field) -%}
    items[safe_offset(item_number - 1)].{{ field }}
{%- endmacro %}

{% macro bigquery__ga4_moment(microseconds) -%}
    timestamp_micros({{ microseconds }})
{%- endmacro %}

{% macro bigquery__utc_of_text(value) %}
    {{ return(utc_of_zoned('cast(' ~ value ~ ' as timestamp)')) }}
{% endmacro %}

{% macro bigquery__utc_of_zoned(value) %}
    {{ return('datetime(' ~ value ~ ", 'UTC')") }}
{% endmacro %}

{% macro bigquery__replaced_matches(text, pattern, replacement) -%}
    regexp_replace({{ text }}, r'{{ pattern }}', r'{{ replacement }}')
{%- endmacro %}
