{# Publishes the marts of a build that passed its tests, on a warehouse; ecommerce_segments/build/nightly.py calls it. BI tools read the schema
   `published`. On DuckDB, ecommerce_segments/publish/versions.py writes files instead. #}
{% macro publish(marts, kept) %}
    {{ adapter.dispatch('publish', 'ecommerce_segments')(marts, kept) }}
{% endmacro %}

{# The former versions are published_1, published_2, ... A swap renames schemas and touches no table, so that it waits for no
   reader, and a query that runs reads its version to the end. A version that leaves while it is read is left to the next run. #}
{% macro postgres__publish(marts, kept) %}
    {% set marts_schema = generate_schema_name('marts') %}
    {% do run_query('drop schema if exists published_next cascade; create schema published_next; commit') %}
    {% for mart in marts %}
        {% do run_query('create table published_next.' ~ mart ~ ' as select * from ' ~ marts_schema ~ '.' ~ mart ~ '; commit') %}
        {% do describe(api.Relation.create(schema='published_next', identifier=mart, type='table'), mart) %}
    {% endfor %}
    {% do run_query(
        'create table published_next.manifest as select max(as_of_date) as as_of_date, now() as published_at from published_next.segments; commit'
    ) %}
    {% set role = env_var('BI_ROLE', '') %}
    {% if role %}
        {% do run_query('grant usage on schema published_next to ' ~ role ~ '; grant select on all tables in schema published_next to ' ~ role ~ '; commit') %}
    {% endif %}

    {% set versions = published_versions() %}
    {% set renames = [] %}
    {% for number in versions | sort(reverse=true) %}
        {% do renames.append('alter schema published_' ~ number ~ ' rename to published_' ~ (number + 1)) %}
    {% endfor %}
    {% if adapter.check_schema_exists(target.database, 'published') %}
        {% do renames.append('alter schema published rename to published_1') %}
    {% endif %}
    {% do run_query((renames + ['alter schema published_next rename to published', 'commit']) | join('; ')) %}

    {% for number in published_versions() if number >= kept %}
        {% do run_query(
            "do $$ begin set local lock_timeout = '5s'; drop schema published_" ~ number ~ " cascade; "
            ~ "exception when lock_not_available then null; end $$; commit"
        ) %}
    {% endfor %}
    {% do forget_in_versions() %}
    {% do log('Published ' ~ marts | length ~ ' marts in the schema published.', info=true) %}
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

{% macro postgres__rollback() %}
    {% set versions = published_versions() | sort %}
    {% if 1 not in versions %}
        {% do exceptions.raise_compiler_error('There is no version before the one in the schema published: nothing is changed.') %}
    {% endif %}
    {% set renames = ['drop schema if exists published_withdrawn cascade', 'alter schema published rename to published_withdrawn',
        'alter schema published_1 rename to published'] %}
    {% for number in versions if number > 1 %}
        {% do renames.append('alter schema published_' ~ number ~ ' rename to published_' ~ (number - 1)) %}
    {% endfor %}
    {% do run_query((renames + ['commit']) | join('; ')) %}
{% endmacro %}

{# The numbers of the former versions that are kept. #}
{% macro published_versions() %}
    {% set found = run_query(
        "select cast(substr(nspname, 11) as integer) as number from pg_namespace where nspname ~ '^published_[0-9]+$'"
    ).columns[0].values() | map('int') | list %}
    {{ return(found) }}
{% endmacro %}
