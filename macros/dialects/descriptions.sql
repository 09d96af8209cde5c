{# Where comments of tables and views are written in another way. #}

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

{# Each comment of a column would be a statement of its own, and a version of the table: Spark's columns have theirs in the published views. #}
{% macro spark__describe_table(table, description, columns) %}
    {% do run_query('comment on table ' ~ table ~ ' is ' ~ text_literal(description)) %}
{% endmacro %}

{% macro bigquery__describe_table(table, description, columns) %}
    {% do run_query('alter table ' ~ table ~ ' set options (description = ' ~ text_literal(description) ~ ')') %}
    {% do alter_column_comment(table, columns) %}
{% endmacro %}

{# A view of all rows of a table, with the comments that the table would have. #}
{% macro create_described_view(view, table) %}
    {% set told = description_of(table.identifier) %}
    {% set columns = [] %}
    {% for column in adapter.get_columns_in_relation(table) %}
        {% set described = told.columns.get(column.name | lower, {}).description %}
        {% do columns.append((adapter.quote(column.name), text_literal(described) if described)) %}
    {% endfor %}
    {% do adapter.dispatch('create_described_view', 'ecommerce_segments')(view, 'select * from ' ~ table, text_literal(told.description), columns) %}
{% endmacro %}

{# Spark's. #}
{% macro default__create_described_view(view, sql, description, columns) %}
    {% do run_query(
        'create or replace view ' ~ view ~ listed_columns(columns, ' comment ', '') ~ ' comment ' ~ description ~ ' as ' ~ sql
    ) %}
{% endmacro %}

{% macro snowflake__create_described_view(view, sql, description, columns) %}
    {% do run_query(
        'create or replace view ' ~ view ~ listed_columns(columns, ' comment ', '') ~ ' comment = ' ~ description ~ ' as ' ~ sql
    ) %}
{% endmacro %}

{% macro bigquery__create_described_view(view, sql, description, columns) %}
    {% do run_query(
        'create or replace view ' ~ view ~ listed_columns(columns, ' options (description = ', ')')
        ~ ' options (description = ' ~ description ~ ') as ' ~ sql
    ) %}
{% endmacro %}

{# Columns of a view that is bound late are not known before it is read: they have no comments. #}
{% macro redshift__create_described_view(view, sql, description, columns) %}
    {% do run_query('create or replace view ' ~ view ~ ' as ' ~ sql ~ ' with no schema binding') %}
    {% do run_query('comment on view ' ~ view ~ ' is ' ~ description) %}
{% endmacro %}

{% macro listed_columns(columns, before, after) %}
    {% set listed = [] %}
    {% for column, description in columns %}
        {% do listed.append(column ~ (before ~ description ~ after if description else '')) %}
    {% endfor %}
    {{ return(' (' ~ listed | join(', ') ~ ')' if listed else '') }}
{% endmacro %}
