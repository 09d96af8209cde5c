{# Where comments of tables and views are written in another way. #}

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

{% macro listed_columns(columns, before, after) %}
    {% set listed = [] %}
    {% for column, description in columns %}
        {% do listed.append(column ~ (before ~ description ~ after if description else '')) %}
    {% endfor %}
    {{ return(' (' ~ listed | join(', ') ~ ')' if listed else '') }}
{% endmacro %}
