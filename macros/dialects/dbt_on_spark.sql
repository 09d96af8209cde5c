{# What dbt-spark does in another way than we need: dbt takes a project's macro before the adapter's own. #}

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
