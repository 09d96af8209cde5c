{# Apache Spark with tables of Iceberg, and what dbt-spark does in another way than we need: dbt takes a project's macro before the
   adapter's own. #}

{% macro spark__utc_in_zone(clock_time, zone) -%}
    {{ return('to_utc_timestamp(' ~ clock_time ~ ", '" ~ zone ~ "')") }}
{%- endmacro %}

{% macro spark__clock_time_of(moment, zone) -%}
    {{ return('from_utc_timestamp(' ~ moment ~ ", '" ~ zone ~ "')") }}
{%- endmacro %}

{# dbt-spark's way through seconds casts three times and asks whether the date is one. #}
{% macro spark__dateadd(datepart, interval, from_date_or_timestamp) -%}
    {%- if datepart == 'day' -%}
        date_add({{ from_date_or_timestamp }}, {{ interval }})
    {%- elif datepart == 'month' -%}
        add_months({{ from_date_or_timestamp }}, {{ interval }})
    {%- elif datepart in ['second', 'minute', 'hour'] -%}
        timestampadd({{ datepart }}, {{ interval }}, {{ from_date_or_timestamp }})
    {%- else -%}
        {{ exceptions.raise_compiler_error(
            'dateadd is written for days and months of dates and for hours, minutes and seconds of times, not for ' ~ datepart ~ '.'
        ) }}
    {%- endif -%}
{%- endmacro %}

{% macro spark__last_day(date, datepart) -%}
    {%- if datepart != 'month' -%}
        {{ exceptions.raise_compiler_error('last_day is written for months, not for ' ~ datepart ~ '.') }}
    {%- endif -%}
    last_day({{ date }})
{%- endmacro %}

{# dbt-spark writes an empty value of a seed as the text None, and a quote in a text ends it. #}
{% macro spark__load_csv_rows(model, agate_table) %}
    {% set types = model.config.column_types %}
    {% set statements = [] %}
    {% for chunk in agate_table.rows | batch(1000) %}
        {% set rows = [] %}
        {% for row in chunk %}
            {% set values = [] %}
            {% for column in agate_table.column_names %}
                {% set value = row[column] %}
                {% do values.append(
                    'cast(' ~ ('null' if value is none else text_literal(value | string)) ~ ' as '
                    ~ types.get(column, adapter.convert_type(agate_table, loop.index0)) ~ ')'
                ) %}
            {% endfor %}
            {% do rows.append('(' ~ values | join(', ') ~ ')') %}
        {% endfor %}
        {% do statements.append('insert into ' ~ this ~ ' values\n' ~ rows | join(',\n')) %}
        {% do run_query(statements[-1]) %}
    {% endfor %}
    {{ return(statements[0]) }}
{% endmacro %}

{# The metastore calls Iceberg's tables Hive's, and dbt-spark would drop a table before it makes it anew, instead of replacing it
   in one step. #}
{% macro spark__list_relations_without_caching(relation) %}
    {% call statement('list_relations', fetch_result=true) %}show table extended in {{ relation.schema }} like '*'{% endcall %}
    {% set rows = [] %}
    {% for schema, name, is_temporary, information in load_result('list_relations').table.rows if not is_temporary %}
        {% set provider = 'Provider: iceberg' if 'table_type=ICEBERG' in information else 'Provider: hive' %}
        {% do rows.append((schema, name, is_temporary, information | replace('Provider: hive', provider))) %}
    {% endfor %}
    {{ return(rows) }}
{% endmacro %}

{# Without `purge` the files of a table would stay. #}
{% macro spark__drop_relation(relation) %}
    {% call statement('drop_relation', auto_begin=false) -%}
        drop {{ relation.type }} if exists {{ relation }}{{ ' purge' if relation.type == 'table' }}
    {%- endcall %}
{% endmacro %}

{# Each comment of a column would be a statement of its own, and a version of the table: Spark's columns have theirs in the published views. #}
{% macro spark__describe_table(table, description, columns) %}
    {% do run_query('comment on table ' ~ table ~ ' is ' ~ text_literal(description)) %}
{% endmacro %}

{% macro spark__local_date(timestamp) -%}
    to_date(from_utc_timestamp({{ timestamp }}, '{{ var("shop_timezone") }}'))
{%- endmacro %}

{% macro spark__days_between(earlier, later) -%}
    datediff({{ later }}, {{ earlier }})
{%- endmacro %}

{% macro spark__sha256_hex(text) -%}
    sha2({{ text }}, 256)
{%- endmacro %}

{% macro spark__key_hash(text) -%}
    xxhash64({{ text }})
{%- endmacro %}

{% macro spark__hash_bucket(text, buckets) -%}
    (cast(conv(substr({{ sha256_hex(text) }}, 1, 8), 16, 10) as bigint) % {{ buckets }})
{%- endmacro %}

{# Spark goes through no more than a hundred steps of a recursion, and through a list of any length. #}
{% macro spark__dates_apart(dates) -%}
    select
        customer_id,
        journey,
        step,
        explode(aggregate(
            due_dates,
            cast(array() as array<date>),
            (entered, due_on) -> case
                when size(entered) = 0 or datediff(due_on, element_at(entered, -1)) >= reentry_days then concat(entered, array(due_on))
                else entered
            end
        )) as due_on
    from (
        select
            customer_id,
            journey,
            step,
            reentry_days,
            array_sort(collect_list(due_on)) as due_dates
        from {{ dates }}
        group by customer_id, journey, step, reentry_days
    ) as listed
{%- endmacro %}

{# Java knows another word for a space, and lets `$` match before a line's end. #}
{% macro spark__matches(text, pattern) -%}
    {{ text }} rlike r'{{ pattern | replace("[:space:]", "\\s") | replace("$", "\\z") }}'
{%- endmacro %}

{% macro spark__lower_case(text) -%}
    lower({{ text }})
{%- endmacro %}

{% macro spark__binary_collation(text) -%}
    {{ text }}
{%- endmacro %}

{# Two quotes end a text and begin the next one, and a backslash escapes. #}
{% macro spark__text_literal(text) -%}
    '{{ text | replace("\\", "\\\\") | replace("'", "\\'") }}'
{%- endmacro %}

{% macro spark__double_type() -%}
    double
{%- endmacro %}

{% macro spark__named_values(columns) -%}
    to_json(named_struct(
        {%- for name, value in columns.items() %}'{{ name }}', {{ value }}{{ ', ' if not loop.last }}{% endfor -%}
    ), map('ignoreNullFields', 'false'))
{%- endmacro %}

{% macro spark__raise_error(message) -%}
    raise_error({{ message }}) is null
{%- endmacro %}

{% macro spark__gather_statistics(table) -%}
{%- endmacro %}

{% macro spark__schemas() %}
    {{ return(run_query('show schemas').columns[0].values()) }}
{% endmacro %}

{# Spark lists the session's temporary views in every schema. #}
{% macro spark__tables_of(schema) %}
    {% set found = [] %}
    {% for _, name, is_temporary in run_query('show tables in ' ~ schema).rows if not is_temporary %}
        {% do found.append(name) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}

{# Without `purge` the files would stay. #}
{% macro spark__drop_version(version) %}
    {% for table in tables_of(version) %}
        {% do run_query('drop table ' ~ published_relation(version, table) ~ ' purge') %}
    {% endfor %}
    {% do run_query('drop schema ' ~ version) %}
{% endmacro %}

{# A table is written anew: what is deleted from one of Iceberg's stays in its files. #}
{% macro spark__forget_in_table(relation, id) %}
    {% if run_query('select count(*) from ' ~ relation ~ ' where ' ~ is_forgotten(id)).rows[0][0] %}
        {% do run_query(
            'create table ' ~ relation ~ '__kept using iceberg as select * from ' ~ relation ~ ' where ' ~ id ~ ' is null or not ' ~ is_forgotten(id)
        ) %}
        {% do run_query('drop table ' ~ relation ~ ' purge') %}
        {% do run_query('alter table ' ~ relation ~ '__kept rename to ' ~ relation) %}
    {% endif %}
{% endmacro %}

{# Dividing what is left without the remainder needs no rounding. 38 digits are all there are: the casts keep each product in them. #}
{% macro spark__quotient(dividend, divisor, places, digits) -%}
    {%- set whole_dividend = 'cast(cast(' ~ dividend ~ ' as decimal(28, 6)) * 1000000 as decimal(28, 0))' -%}
    {%- set whole_divisor = 'cast(cast(' ~ divisor ~ ' as decimal(28, 6)) * 1000000 as decimal(28, 0))' -%}
    {%- set numerator = 'cast(2 * abs(' ~ whole_dividend ~ ') * ' ~ 10 ** places ~ ' + ' ~ whole_divisor ~ ' as decimal(38, 0))' -%}
    {%- set denominator = 'nullif(2 * ' ~ whole_divisor ~ ', 0)' -%}
    cast(
        case when {{ whole_dividend }} < 0 then -1 else 1 end
        * cast((({{ numerator }}) - ({{ numerator }}) % ({{ denominator }})) / ({{ denominator }}) as decimal(28, 0))
        * {{ '0.' ~ '0' * (places - 1) ~ '1' }} as decimal({{ digits }}, {{ places }})
    )
{%- endmacro %}

{% macro spark__expose_raw_files() %}
    {% do check_spark_session() %}
    {% do check_raw_tables() %}
{% endmacro %}

{# Products of wider decimals would not fit into the 38 digits that there are. #}
{% macro spark__fitting_types(contract_type) %}
    {{ return(['string' if contract_type == 'text' else contract_type]) }}
{% endmacro %}

{% macro spark__columns_in(schema) %}
    {% set found = [] %}
    {% for table in raw_sources() if table.schema == schema.schema %}
        {% for column in adapter.get_columns_in_relation(api.Relation.create(schema=schema.schema, identifier=table.identifier)) %}
            {% do found.append((table.identifier, column.name, column.data_type)) %}
        {% endfor %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}

{# Another time zone would move moments, and other arithmetic would round products, without a word. #}
{% macro check_spark_session() %}
    {% for name, needed in [('spark.sql.session.timeZone', 'UTC'), ('spark.sql.decimalOperations.allowPrecisionLoss', 'false')] %}
        {% set found = run_query('set ' ~ name).rows[0][1] %}
        {% if found != needed %}
            {% do exceptions.raise_compiler_error('On Spark ' ~ name ~ ' is ' ~ found ~ ', but must be ' ~ needed ~ ' (docs/spark.md).') %}
        {% endif %}
    {% endfor %}
{% endmacro %}

{% macro spark__ga4_nested(column) -%}
    {{ column }}
{%- endmacro %}

{% macro spark__ga4_field(record, path) -%}
    {{ record }}.{{ path }}
{%- endmacro %}

{% macro spark__ga4_parameter(key) -%}
    get(transform(filter(event_params, p -> p.key = '{{ key }}'), p -> coalesce(p.value.string_value, cast(p.value.int_value as string))), 0)
{%- endmacro %}

{% macro spark__ga4_fingerprint() -%}
    md5(to_json(array_sort(event_params)))
{%- endmacro %}

{% macro spark__ga4_by_item(hits) -%}
    select {{ hits }}.*, item_number from {{ hits }} lateral view explode(sequence(1, greatest(size(items), 1))) numbers as item_number
{%- endmacro %}

{% macro spark__ga4_item(field) -%}
    get(items, item_number - 1).{{ field }}
{%- endmacro %}

{% macro spark__ga4_moment(microseconds) -%}
    timestamp_micros(cast({{ microseconds }} as bigint))
{%- endmacro %}

{# The session is in UTC, and knows offsets such as -04:00 right after the time. #}
{% macro spark__utc_of_text(value) %}
    {{ return('cast(regexp_replace(' ~ value ~ ", ' ?([+-][0-9]{2}):?([0-9]{2})$', '$1:$2') as timestamp)") }}
{% endmacro %}

{% macro spark__utc_of_zoned(value) %}
    {{ return(value) }}
{% endmacro %}

{% macro spark__replaced_matches(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}')
{%- endmacro %}

{% macro spark__group_reference(number) -%}
    ${{ number }}
{%- endmacro %}

{% macro spark__sorted_list(texts) -%}
    array_join(sort_array(collect_list({{ texts }})), ', ')
{%- endmacro %}
