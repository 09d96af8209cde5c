{# Makes the raw tables where they are files (DuckDB): one view per table of the raw contract over the files in RAW_DIR, no copy.
   Elsewhere they belong to whoever loads the warehouse, and are only looked at. #}
{% macro expose_raw_files() %}
    {% if execute %}
        {% do check_naive_timestamps() %}
        {% do adapter.dispatch('expose_raw_files', 'ecommerce_segments')() %}
    {% endif %}
{% endmacro %}

{% macro default__expose_raw_files() %}
{% endmacro %}

{% macro duckdb__expose_raw_files() %}
    {% if not var('read_raw_files') %}
        {{ return(check_raw_tables()) }}
    {% endif %}
    {% set directory = raw_directory() %}
    {% set paths = raw_paths(directory) %}
    {% set delivered_files = raw_files_by_table(directory, paths) %}
    {% set tables = raw_sources() %}
    {% set unread = unread_files(directory, paths, tables, delivered_files) %}
    {% for schema in raw_schemas() %}
        {% do run_query('create schema if not exists ' ~ schema) %}
    {% endfor %}
    {% for table in tables %}
        {% set files = delivered_files.get(table.name, []) %}
        {% if not files and table.config.meta.get('required') and not connectors_of(table.name) %}
            {% do exceptions.raise_compiler_error(
                'The required table ' ~ table.name ~ ' is missing: neither ' ~ table.name ~ '.parquet, ' ~ table.name
                ~ '.csv nor a folder ' ~ table.name ~ '/ of such files is in ' ~ directory ~ ' (RAW_DIR).'
                ~ (' There, ' ~ unread[table.name] if table.name in unread else '')
            ) %}
        {% elif table.name in unread %}
            {% do exceptions.warn('In ' ~ directory ~ ' (RAW_DIR), ' ~ unread[table.name]) %}
        {% endif %}
        {% do run_query('create or replace view ' ~ table.relation_name ~ ' as\n' ~ raw_view_sql(table, files)) %}
    {% endfor %}
    {# A view with a row per delivered table: models that prefer a file to a seed ask it when they run. Rendered, as a build of empty
       tables would put a query in place of the name. #}
    {% set names = tables | map(attribute='name') | select('in', delivered_files) | list %}
    {% do run_query(
        'create or replace view ' ~ source('raw_files', 'delivered_tables').render() ~ ' as select unnest(cast(['
        ~ ("'" ~ names | join("', '") ~ "'" if names else '') ~ '] as varchar[])) as table_name'
    ) %}
    {% do run_query('create or replace view ' ~ source('raw_files', 'clock_changes').render() ~ ' as\n' ~ clock_changes_sql(tables)) %}
    {% do expose_connector_files() %}
{% endmacro %}

{# The absolute path of the raw files: readers of the views may stand in another directory. #}
{% macro raw_directory() %}
    {% set directory = env_var('RAW_DIR', '') or 'data/' ~ env_var('DATASET', 'demo') %}
    {% if not directory.startswith('/') %}
        {% set directory = invocation_args_dict.project_dir ~ '/' ~ directory %}
    {% endif %}
    {{ return(modules.re.sub('/+', '/', directory).rstrip('/')) }}
{% endmacro %}

{# (path,) of all files in the directory itself and in folders there, however deep. #}
{% macro raw_paths(directory) %}
    {% set paths = files_in(directory) %}
    {% if not paths and not connectors() %}
        {% do exceptions.raise_compiler_error(
            'RAW_DIR names ' ~ directory ~ ', which does not exist or holds no files:'
            ~ ' name the directory of the raw tables, or make the sample data with `make run`.'
        ) %}
    {% endif %}
    {{ return(paths) }}
{% endmacro %}

{# {table: [path, ...]} of the files among them that can be read and are named after a table, or whose folder is. #}
{% macro raw_files_by_table(directory, paths) %}
    {% set found = {} %}
    {% for (path,) in paths %}
        {% set delivery = path[directory | length + 1:].split('/')[0] %}
        {% set suffix = file_suffixes() %}
        {% if modules.re.search(suffix, path.lower()) %}
            {% set table = modules.re.sub(suffix, '', delivery.lower()) %}
            {% do found.setdefault(table, {}).setdefault(delivery, []).append(path) %}
        {% endif %}
    {% endfor %}
    {% set files = {} %}
    {% for table, deliveries in found.items() %}
        {% if deliveries | length > 1 %}
            {% do exceptions.raise_compiler_error(
                'The table ' ~ table ~ ' is delivered more than once in ' ~ directory ~ ' (RAW_DIR), as '
                ~ deliveries.keys() | join(' and ') ~ ': keep one of them.'
            ) %}
        {% endif %}
        {% do files.update({table: deliveries.values() | first}) %}
    {% endfor %}
    {{ return(files) }}
{% endmacro %}

{# A path as DuckDB's text, with the signs that it would take for a pattern made plain. #}
{% macro path_literal(path) %}
    {{ return("'" ~ modules.re.sub('([*?[])', '[\\1]', path) | replace("'", "''") ~ "'") }}
{% endmacro %}

{# Rows of a query as tuples, in the types of the database. #}
{% macro fetch_rows(sql) %}
    {% call statement('fetch_rows', fetch_result=true, auto_begin=false) %}{{ sql }}{% endcall %}
    {{ return(load_result('fetch_rows')['data']) }}
{% endmacro %}
