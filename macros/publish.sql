{# Publishes the marts of a build that passed its tests, on a warehouse; ecommerce_segments/build/nightly.py calls it. BI tools read the schema
   `published`. On DuckDB, ecommerce_segments/publish/versions.py writes files instead. #}
{% macro publish(marts, kept) %}
    {{ adapter.dispatch('publish', 'ecommerce_segments')(marts, kept) }}
{% endmacro %}

{# The columns of marts that hold ids of people. #}
{% macro id_columns() %}
    {{ return(['customer_id', 'account_id', 'former_id', 'continued_as']) }}
{% endmacro %}

{# Former versions lose the rows of forgotten customers. #}
{% macro forget_in_versions() %}
    {% if run_query('select count(*) from ' ~ ref('forgotten_customers')).rows[0][0] %}
        {% for row in run_query(
            "select table_schema, table_name, column_name from information_schema.columns "
            ~ "where table_schema ~ '^published_[0-9]+$' and column_name in ('" ~ id_columns() | join("', '") ~ "')"
        ).rows %}
            {% do run_query('delete from ' ~ row[0] ~ '.' ~ row[1] ~ ' where ' ~ is_forgotten(row[2]) ~ '; commit') %}
        {% endfor %}
    {% endif %}
{% endmacro %}

{# Lets readers see the version before: dbt run-operation rollback. The one that is withdrawn stays as published_withdrawn. #}
{% macro rollback() %}
    {{ adapter.dispatch('rollback', 'ecommerce_segments')() }}
{% endmacro %}

{# The numbers of the former versions that are kept. #}
{% macro published_versions() %}
    {% set found = run_query(
        "select cast(substr(nspname, 11) as integer) as number from pg_namespace where nspname ~ '^published_[0-9]+$'"
    ).columns[0].values() | map('int') | list %}
    {{ return(found) }}
{% endmacro %}
