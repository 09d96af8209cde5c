{# Publishes the marts of a build that passed its tests, on a warehouse; tools/nightly.py calls it. BI tools read the schema
   `published`. On DuckDB, tools/publish.py writes files instead. #}
{% macro publish(marts, kept) %}
    {{ adapter.dispatch('publish')(marts, kept) }}
{% endmacro %}

{# The former versions are published_1, published_2, ... A swap renames schemas and touches no table, so that it waits for no
   reader, and a query that runs reads its version to the end. A version that leaves while it is read is left to the next run. #}
{% macro default__publish(marts, kept) %}
    {% set marts_schema = generate_schema_name('marts') %}
    {% do run_query('drop schema if exists published_next cascade; create schema published_next; commit') %}
    {% for mart in marts %}
        {% do run_query('create table published_next.' ~ mart ~ ' as select * from ' ~ marts_schema ~ '.' ~ mart ~ '; commit') %}
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

{# Former versions lose the rows of forgotten customers. #}
{% macro forget_in_versions() %}
    {% if run_query('select count(*) from ' ~ ref('forgotten_customers')).rows[0][0] %}
        {% for row in run_query(
            "select table_schema, table_name, column_name from information_schema.columns "
            ~ "where table_schema ~ '^published_[0-9]+$' and column_name in ('customer_id', 'account_id')"
        ).rows %}
            {% do run_query('delete from ' ~ row[0] ~ '.' ~ row[1] ~ ' where ' ~ is_forgotten(row[2]) ~ '; commit') %}
        {% endfor %}
    {% endif %}
{% endmacro %}

{# On Spark, where no schema can be renamed, a version is a schema of its own, and the views of `published` lead to its tables. Each
   view changes at once, but not all of them together. The manifest is written last: a version without one is not whole. #}
{% macro spark__publish(marts, kept) %}
    {% for version in spark_versions(is_whole=false) %}
        {% do drop_spark_version(version) %}
    {% endfor %}
    {% set version = 'published_' ~ run_started_at.strftime('%Y%m%d_%H%M%S_%f') %}
    {% do run_query('create schema ' ~ version) %}
    {% for mart in marts %}
        {% do run_query('create table ' ~ version ~ '.' ~ mart ~ ' using iceberg as select * from ' ~ generate_schema_name('marts') ~ '.' ~ mart) %}
    {% endfor %}
    {% do run_query(
        'create table ' ~ version ~ ".manifest using iceberg as select '" ~ version ~ "' as version, max(as_of_date) as as_of_date, "
        ~ 'current_timestamp() as published_at from ' ~ version ~ '.segments'
    ) %}
    {% do lead_spark_views_to(version) %}
    {% for former in spark_versions()[:-kept] %}
        {% do drop_spark_version(former) %}
    {% endfor %}
    {% do forget_in_spark_versions() %}
    {% do log('Published ' ~ marts | length ~ ' marts in the schema published.', info=true) %}
{% endmacro %}

{# The names of the versions, in the order in which they were published. #}
{% macro spark_versions(is_whole=true) %}
    {% set found = [] %}
    {% for version in run_query("show schemas like 'published_*'").columns[0].values() | sort
            if ('manifest' in spark_tables(version)) == is_whole %}
        {% do found.append(version) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}

{% macro spark_tables(schema) %}
    {{ return(run_query('show tables in ' ~ schema).columns[1].values() | list) }}
{% endmacro %}

{# A view that the version has no table for leads nowhere any more, and is dropped. #}
{% macro lead_spark_views_to(version) %}
    {% set tables = spark_tables(version) %}
    {% do run_query('create schema if not exists published') %}
    {% for table in tables | reject('equalto', 'manifest') | list + ['manifest'] %}
        {% do run_query('create or replace view published.' ~ table ~ ' as select * from ' ~ version ~ '.' ~ table) %}
    {% endfor %}
    {% for view in spark_tables('published') if view not in tables %}
        {% do run_query('drop view published.' ~ view) %}
    {% endfor %}
{% endmacro %}

{# Without `purge` the files would stay. #}
{% macro drop_spark_version(version) %}
    {% for table in spark_tables(version) %}
        {% do run_query('drop table ' ~ version ~ '.' ~ table ~ ' purge') %}
    {% endfor %}
    {% do run_query('drop schema ' ~ version) %}
{% endmacro %}

{# A table is written anew: what is deleted from one of Iceberg's stays in its files. #}
{% macro forget_in_spark_versions() %}
    {% if run_query('select count(*) from ' ~ ref('forgotten_customers')).rows[0][0] %}
        {% for version in spark_versions() %}
            {% for table in spark_tables(version) %}
                {% set relation = api.Relation.create(schema=version, identifier=table) %}
                {% for column in adapter.get_columns_in_relation(relation) if column.name in ['customer_id', 'account_id'] %}
                    {% if run_query('select count(*) from ' ~ relation ~ ' where ' ~ is_forgotten(column.name)).rows[0][0] %}
                        {% do run_query(
                            'create table ' ~ relation ~ '__kept using iceberg as select * from ' ~ relation
                            ~ ' where ' ~ column.name ~ ' is null or not ' ~ is_forgotten(column.name)
                        ) %}
                        {% do run_query('drop table ' ~ relation ~ ' purge') %}
                        {% do run_query('alter table ' ~ relation ~ '__kept rename to ' ~ relation) %}
                    {% endif %}
                {% endfor %}
            {% endfor %}
        {% endfor %}
    {% endif %}
{% endmacro %}

{# Lets readers see the version before: dbt run-operation rollback. The one that is withdrawn stays as published_withdrawn. #}
{% macro rollback() %}
    {{ adapter.dispatch('rollback')() }}
{% endmacro %}

{% macro default__rollback() %}
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

{# The version that is withdrawn stays, until enough others are published. #}
{% macro spark__rollback() %}
    {% set current = run_query('select version from published.manifest').rows[0][0] %}
    {% set former = spark_versions() | select('lt', current) | list %}
    {% if not former %}
        {% do exceptions.raise_compiler_error('There is no version before the one in the schema published: nothing is changed.') %}
    {% endif %}
    {% do lead_spark_views_to(former[-1]) %}
{% endmacro %}

{# The numbers of the former versions that are kept. #}
{% macro published_versions() %}
    {% set found = run_query(
        "select cast(substr(nspname, 11) as integer) as number from pg_namespace where nspname ~ '^published_[0-9]+$'"
    ).columns[0].values() | map('int') | list %}
    {{ return(found) }}
{% endmacro %}
