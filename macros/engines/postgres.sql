{# PostgreSQL. The default of each macro in this folder is its SQL; here is what other engines must not get. #}

{% macro postgres__run_at_once(sql) %}
    {% do run_query(sql ~ '; commit') %}
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

{% macro postgres__join_by_hash() -%}
    set local enable_nestloop = off
{%- endmacro %}

{% macro postgres__expose_raw_files() %}
    {% do check_raw_tables() %}
{% endmacro %}
