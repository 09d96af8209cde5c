{# Where the schema `raw` is loaded by others (PostgreSQL): stops the run at its start, with a sentence, where it does not
   hold the tables, columns and types of the raw contract. A timestamp with time zone would be read as another moment. #}
{% macro postgres__expose_raw_files() %}
    {% set found = raw_columns() %}
    {% set fitting = {
        'text': ['text', 'character varying'],
        'date': ['date'],
        'timestamp': ['timestamp without time zone'],
        'boolean': ['boolean'],
        'decimal': ['numeric', 'smallint', 'integer', 'bigint']
    } %}
    {% set faults = [] %}
    {% for table in graph.sources.values() | selectattr('source_name', 'equalto', 'raw') %}
        {% if table.name not in found %}
            {% do faults.append(table.name ~ ' is missing') %}
        {% endif %}
        {% for column in table.columns.values() if table.name in found %}
            {% set data_type = found[table.name].get(column.name) %}
            {% if not data_type %}
                {% do faults.append(table.name ~ '.' ~ column.name ~ ' is missing') %}
            {% elif data_type not in fitting[column.data_type.split('(')[0]] %}
                {% do faults.append(table.name ~ '.' ~ column.name ~ ' is ' ~ data_type ~ ', but must be ' ~ column.data_type) %}
            {% endif %}
        {% endfor %}
    {% endfor %}
    {% if faults %}
        {% do exceptions.raise_compiler_error(
            'The schema raw does not hold the raw contract: ' ~ faults[:10] | join('; ') ~ ('; ...' if faults | length > 10 else '')
            ~ '. `dbt run-operation create_raw_tables` makes what is missing, empty (docs/postgres.md).'
        ) %}
    {% endif %}
{% endmacro %}

{# dbt run-operation create_raw_tables: makes the raw tables and columns that are missing, empty, and touches no others. #}
{% macro create_raw_tables() %}
    {% set found = raw_columns() %}
    {% do run_query('create schema if not exists raw') %}
    {% for table in graph.sources.values() | selectattr('source_name', 'equalto', 'raw') %}
        {% do run_query('create table if not exists ' ~ table.relation_name ~ ' ()') %}
        {% for column in table.columns.values() if column.name not in found.get(table.name, {}) %}
            {% do run_query('alter table ' ~ table.relation_name ~ ' add column ' ~ column.name ~ ' ' ~ column.data_type) %}
        {% endfor %}
    {% endfor %}
{% endmacro %}

{# {table: {column: type}} of the schema `raw`: tables, views, and whatever else can be read. #}
{% macro raw_columns() %}
    {% set found = {} %}
    {% for table, column, data_type in fetch_rows(
        "select pg_class.relname, pg_attribute.attname, format_type(pg_attribute.atttypid, null) from pg_attribute"
        ~ " inner join pg_class on pg_attribute.attrelid = pg_class.oid"
        ~ " inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid"
        ~ " where pg_namespace.nspname = 'raw' and pg_attribute.attnum > 0 and not pg_attribute.attisdropped"
    ) %}
        {% do found.setdefault(table, {}).update({column: data_type}) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}
