{# Where the raw tables are loaded by others: stops the run at its start, with a sentence, where they do not have the columns and types of
   the raw contract. A timestamp of another kind would be read as another moment. What a model stands for is built by the run. #}
{% macro check_raw_tables() %}
    {% if connectors() %}
        {# What no connector feeds, and the shop does not hand over itself, counts as empty. #}
        {% do check_loaded_tables() %}
        {% do create_raw_tables() %}
    {% endif %}
    {% set found = raw_columns() %}
    {% set faults = [] %}
    {% for table in raw_sources() if not var('raw_tables').get(table.name, {}).get('model') %}
        {% if table.name not in found %}
            {% do faults.append(table.name ~ ' is missing') %}
        {% endif %}
        {% for column in table.columns.values() if table.name in found %}
            {% set data_type = found[table.name].get(column.name) %}
            {% if not data_type %}
                {% do faults.append(table.name ~ '.' ~ column.name ~ ' is missing') %}
            {% elif data_type not in fitting_types(column.data_type) %}
                {% do faults.append(table.name ~ '.' ~ column.name ~ ' is ' ~ data_type ~ ', but must be ' ~ column.data_type) %}
            {% endif %}
        {% endfor %}
    {% endfor %}
    {% if faults %}
        {% do exceptions.raise_compiler_error(
            'The raw tables do not keep the raw contract: ' ~ faults[:10] | join('; ') ~ ('; ...' if faults | length > 10 else '')
            ~ '. `dbt run-operation create_raw_tables` makes what is missing, empty (docs/'
            ~ {'duckdb': 'in_your_project', 'postgres': 'postgres', 'spark': 'spark'}.get(target.type, 'warehouses') ~ '.md).'
        ) %}
    {% endif %}
{% endmacro %}

{# The type that `create_raw_tables` gives a column of the contract. #}
{% macro raw_column_type(contract_type) %}
    {{ return(adapter.dispatch('raw_column_type', 'ecommerce_segments')(contract_type)) }}
{% endmacro %}

{% macro default__raw_column_type(contract_type) %}
    {{ return(fitting_types(contract_type)[0]) }}
{% endmacro %}

{# The engine's names of the types that a column of the contract may have. #}
{% macro fitting_types(contract_type) %}
    {{ return(adapter.dispatch('fitting_types', 'ecommerce_segments')(contract_type)) }}
{% endmacro %}

{% macro default__fitting_types(contract_type) %}
    {{ return({
        'text': ['text', 'character varying'],
        'date': ['date'],
        'timestamp': ['timestamp without time zone'],
        'boolean': ['boolean'],
        'decimal': ['numeric', 'smallint', 'integer', 'bigint']
    }[contract_type.split('(')[0]]) }}
{% endmacro %}

{# dbt run-operation create_raw_tables: makes the raw tables and columns that are missing, empty, and touches no others. #}
{% macro create_raw_tables() %}
    {% set found = raw_columns() %}
    {% for schema in raw_schemas() %}
        {% do run_query('create schema if not exists ' ~ schema.include(database=target.type not in ['postgres', 'redshift', 'spark'])) %}
    {% endfor %}
    {% for table in raw_sources() %}
        {% set missing = [] %}
        {% for column in table.columns.values() if column.name not in found.get(table.name, {}) %}
            {% do missing.append(column.name ~ ' ' ~ raw_column_type(column.data_type)) %}
        {% endfor %}
        {% if table.name not in found %}
            {% do run_query('create table ' ~ table.relation_name ~ ' (' ~ missing | join(', ') ~ ')' ~ table_format()) %}
        {% else %}
            {% for column in missing %}
                {% do run_query('alter table ' ~ table.relation_name ~ ' add column ' ~ column) %}
            {% endfor %}
        {% endif %}
    {% endfor %}
{% endmacro %}

{# What Spark must be told of a new table. #}
{% macro table_format() %}
    {{ return(' using iceberg' if target.type == 'spark' else '') }}
{% endmacro %}

{# {table: {column: type}} of the raw tables: tables, views, and whatever else can be read. #}
{% macro raw_columns() %}
    {% set delivered = {} %}
    {% for schema in raw_schemas() %}
        {% for table, column, data_type in adapter.dispatch('columns_in', 'ecommerce_segments')(schema) %}
            {% do delivered.setdefault((schema.database, schema.schema, table), {}).update({column: data_type}) %}
        {% endfor %}
    {% endfor %}
    {% set found = {} %}
    {% for table in raw_sources() if (table.database, table.schema, table.identifier) in delivered %}
        {% do found.update({table.name: delivered[table.database, table.schema, table.identifier]}) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}

{% macro default__columns_in(schema) %}
    {{ return(fetch_rows(
        "select pg_class.relname, pg_attribute.attname, format_type(pg_attribute.atttypid, null) from pg_attribute"
        ~ " inner join pg_class on pg_attribute.attrelid = pg_class.oid"
        ~ " inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid"
        ~ " where pg_namespace.nspname = '" ~ schema.schema ~ "' and pg_attribute.attnum > 0 and not pg_attribute.attisdropped"
    )) }}
{% endmacro %}
