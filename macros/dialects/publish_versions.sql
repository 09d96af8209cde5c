{# Publishing on Snowflake, BigQuery and Redshift. A version is a schema of its own, and the views of `published` lead to its tables;
   each view changes at once, but not all of them together. The manifest is written last: a version without one is not whole. #}
{% macro publish_version(marts, kept) %}
    {% for version in published_schemas(is_whole=false) %}
        {% do adapter.drop_schema(api.Relation.create(database=target.database, schema=version)) %}
    {% endfor %}
    {% set version = 'published_' ~ run_started_at.strftime('%Y%m%d_%H%M%S_%f') %}
    {% do adapter.create_schema(api.Relation.create(database=target.database, schema=version)) %}
    {% for mart in marts %}
        {% do run_query(
            'create table ' ~ published_relation(version, mart) ~ ' as select * from ' ~ published_relation(generate_schema_name('marts'), mart)
        ) %}
    {% endfor %}
    {% do run_query(
        'create table ' ~ published_relation(version, 'manifest') ~ " as select '" ~ version ~ "' as version, max(as_of_date) as as_of_date, "
        ~ dbt.current_timestamp() ~ ' as published_at from ' ~ published_relation(version, 'segments')
    ) %}
    {% do lead_views_to(version) %}
    {% for former in published_schemas()[:-kept] %}
        {% do adapter.drop_schema(api.Relation.create(database=target.database, schema=former)) %}
    {% endfor %}
    {% do forget_in_schemas() %}
    {% do log('Published ' ~ marts | length ~ ' marts in the schema published.', info=true) %}
{% endmacro %}

{# Lets readers see the version before. The one that is withdrawn stays, until enough others are published. #}
{% macro withdraw_version() %}
    {% set current = run_query('select version from ' ~ published_relation('published', 'manifest')).rows[0][0] %}
    {% set former = published_schemas() | select('lt', current) | list %}
    {% if not former %}
        {% do exceptions.raise_compiler_error('There is no version before the one in the schema published: nothing is changed.') %}
    {% endif %}
    {% do lead_views_to(former[-1]) %}
{% endmacro %}

{% macro published_relation(schema, table) %}
    {{ return(api.Relation.create(database=target.database, schema=schema, identifier=table)) }}
{% endmacro %}

{# The names of the versions, in the order in which they were published. #}
{% macro published_schemas(is_whole=true) %}
    {% if target.type == 'bigquery' %}
        {% set schemas = adapter.list_schemas(target.database) %}
    {% elif target.type == 'redshift' %}
        {% set schemas = run_query('select nspname from pg_namespace').columns[0].values() %}
    {% else %}
        {% set schemas = run_query('select lower(schema_name) from ' ~ target.database ~ '.information_schema.schemata').columns[0].values() %}
    {% endif %}
    {% set found = [] %}
    {% for schema in schemas | sort if schema.startswith('published_') and ('manifest' in tables_of(schema)) == is_whole %}
        {% do found.append(schema) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}

{# The tables of a version. #}
{% macro tables_of(schema) %}
    {% set places = {
        'bigquery': '`' ~ target.database ~ '`.' ~ schema ~ '.INFORMATION_SCHEMA.TABLES',
        'redshift': 'svv_tables',
        'snowflake': target.database ~ '.information_schema.tables'
    } %}
    {{ return(
        run_query('select lower(table_name) from ' ~ places[target.type] ~ " where lower(table_schema) = '" ~ schema ~ "'").columns[0].values() | list
    ) }}
{% endmacro %}

{# A view that the version has no table for is dropped. #}
{% macro lead_views_to(version) %}
    {% set tables = tables_of(version) %}
    {% do adapter.create_schema(api.Relation.create(database=target.database, schema='published')) %}
    {% for table in tables | reject('equalto', 'manifest') | list + ['manifest'] %}
        {% do run_query(
            'create or replace view ' ~ published_relation('published', table) ~ ' as select * from ' ~ published_relation(version, table)
            ~ (' with no schema binding' if target.type == 'redshift' else '')
        ) %}
    {% endfor %}
    {% for former in published_schemas() %}
        {% for table in tables_of(former) if table not in tables %}
            {% do run_query('drop view if exists ' ~ published_relation('published', table)) %}
        {% endfor %}
    {% endfor %}
{% endmacro %}

{# Former versions lose the rows of forgotten customers. #}
{% macro forget_in_schemas() %}
    {% if run_query('select count(*) from ' ~ ref('forgotten_customers')).rows[0][0] %}
        {% for version in published_schemas() %}
            {% for table in tables_of(version) %}
                {% set relation = published_relation(version, table) %}
                {% for column in adapter.get_columns_in_relation(relation) if column.name | lower in ['customer_id', 'account_id'] %}
                    {% do run_query('delete from ' ~ relation ~ ' where ' ~ is_forgotten(column.name)) %}
                {% endfor %}
            {% endfor %}
        {% endfor %}
    {% endif %}
{% endmacro %}
