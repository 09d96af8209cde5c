{# Publishing where no schema can be renamed: on Spark, Snowflake, BigQuery and Redshift. A version is a schema of its own, and the
   views of `published` lead to its tables; each view changes at once, but not all of them together. The manifest is written last: a
   version without one is not whole. #}
{% macro default__publish(marts, kept) %}
    {% for version in version_schemas(is_whole=false) %}
        {% do drop_version(version) %}
    {% endfor %}
    {% set version = 'published_' ~ run_started_at.strftime('%Y%m%d_%H%M%S_%f') %}
    {% do adapter.create_schema(published_relation(version)) %}
    {% for mart in marts %}
        {% do create_published(published_relation(version, mart), 'select * from ' ~ published_relation(generate_schema_name('marts'), mart)) %}
    {% endfor %}
    {% do create_published(
        published_relation(version, 'manifest'),
        "select '" ~ version ~ "' as version, max(as_of_date) as as_of_date, " ~ dbt.current_timestamp() ~ ' as published_at from '
        ~ published_relation(version, 'segments')
    ) %}
    {% do lead_views_to(version) %}
    {% for former in version_schemas()[:-kept] %}
        {% do drop_version(former) %}
    {% endfor %}
    {% do forget_in_schemas() %}
    {% do log('Published ' ~ marts | length ~ ' marts in the schema published.', info=true) %}
{% endmacro %}

{# Lets readers see the version before. The one that is withdrawn stays, until enough others are published. #}
{% macro default__rollback() %}
    {% set current = run_query('select version from ' ~ published_relation('published', 'manifest')).rows[0][0] %}
    {% set former = version_schemas() | select('lt', current) | list %}
    {% if not former %}
        {% do exceptions.raise_compiler_error('There is no version before the one in the schema published: nothing is changed.') %}
    {% endif %}
    {% do lead_views_to(former[-1]) %}
{% endmacro %}

{# Spark knows schemas, and no databases above them. #}
{% macro published_relation(schema, table=none) %}
    {{ return(api.Relation.create(database=none if target.type == 'spark' else target.database, schema=schema, identifier=table)) }}
{% endmacro %}

{% macro create_published(relation, sql) %}
    {% do run_query('create table ' ~ relation ~ table_format() ~ ' as ' ~ sql) %}
{% endmacro %}

{# The names of the versions, in the order in which they were published. #}
{% macro version_schemas(is_whole=true) %}
    {% set found = [] %}
    {% for schema in adapter.dispatch('schemas', 'ecommerce_segments')() | sort if schema.startswith('published_') and ('manifest' in tables_of(schema)) == is_whole %}
        {% do found.append(schema) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}

{# The names of all schemas, in lower case. #}
{% macro default__schemas() %}
    {{ return(run_query('select lower(schema_name) from ' ~ target.database ~ '.information_schema.schemata').columns[0].values()) }}
{% endmacro %}

{# The names of the tables and views of a schema. #}
{% macro tables_of(schema) %}
    {{ return(adapter.dispatch('tables_of', 'ecommerce_segments')(schema)) }}
{% endmacro %}

{% macro default__tables_of(schema) %}
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
    {% do adapter.create_schema(published_relation('published')) %}
    {% for table in tables | reject('equalto', 'manifest') | list + ['manifest'] %}
        {% do create_described_view(published_relation('published', table), published_relation(version, table)) %}
    {% endfor %}
    {% for schema in version_schemas() + ['published'] %}
        {% for view in tables_of(schema) if view not in tables %}
            {% do run_query('drop view if exists ' ~ published_relation('published', view)) %}
        {% endfor %}
    {% endfor %}
{% endmacro %}

{% macro drop_version(version) %}
    {% do adapter.dispatch('drop_version', 'ecommerce_segments')(version) %}
{% endmacro %}

{% macro default__drop_version(version) %}
    {% do adapter.drop_schema(published_relation(version)) %}
{% endmacro %}

{# All versions lose the rows of forgotten customers. #}
{% macro forget_in_schemas() %}
    {% if run_query('select count(*) from ' ~ ref('forgotten_customers')).rows[0][0] %}
        {% for version in version_schemas() %}
            {% for table in tables_of(version) %}
                {% set relation = published_relation(version, table) %}
                {% for column in adapter.get_columns_in_relation(relation) if column.name | lower in id_columns() %}
                    {% do adapter.dispatch('forget_in_table', 'ecommerce_segments')(relation, column.name) %}
                {% endfor %}
            {% endfor %}
        {% endfor %}
    {% endif %}
{% endmacro %}

{% macro default__forget_in_table(relation, id) %}
    {% do run_query('delete from ' ~ relation ~ ' where ' ~ is_forgotten(id)) %}
{% endmacro %}
