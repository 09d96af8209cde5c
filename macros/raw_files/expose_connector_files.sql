{# Makes the tables of loaders where they are files (DuckDB): for each entry of the var `connectors` a schema with one view per table that its connector
   declares, over the files in the entry's directory. Files and columns are found by their names, whatever the case. #}
{% macro expose_connector_files() %}
    {% for entry in connectors() %}
        {% set directory = connector_directory(entry) %}
        {% set files = loaded_files(entry, directory) %}
        {% do run_query('create schema if not exists ' ~ adapter.quote(entry.schema)) %}
        {% for declared in declared_tables(entry.connector) %}
            {% set table = loaded_view_table(entry, declared) %}
            {% if not files.get(declared.name) and declared.config.meta.get('required') %}
                {% do exceptions.raise_compiler_error(
                    'The connector ' ~ entry.name ~ ' needs the table ' ~ declared.name ~ ': neither ' ~ declared.name ~ '.parquet, ' ~ declared.name
                    ~ '.csv, ' ~ declared.name ~ '.json nor a folder ' ~ declared.name ~ '/ of such files is in ' ~ directory ~ ' (docs/connectors.md).'
                ) %}
            {% endif %}
            {% do run_query(
                'create or replace view ' ~ place_of(entry, declared, declared.name) ~ ' as\n' ~ raw_view_sql(table, files.get(declared.name, []))
            ) %}
        {% endfor %}
    {% endfor %}
{% endmacro %}

{# Where an entry's files are: its directory, or the folder of its name beside the raw files. #}
{% macro connector_directory(entry) %}
    {% set directory = entry.directory or raw_directory() ~ '/' ~ entry.name %}
    {% if not directory.startswith('/') %}
        {% set directory = invocation_args_dict.project_dir ~ '/' ~ directory %}
    {% endif %}
    {{ return(modules.re.sub('/+', '/', directory).rstrip('/')) }}
{% endmacro %}

{# {table: [path, ...]}: the files that are called after a table, with its prefix or without, or whose folder is. `config.meta.files` may give a
   pattern for their names; where it fits several, all are read. #}
{% macro loaded_files(entry, directory) %}
    {% set paths = files_in(directory) %}
    {% if not paths %}
        {% do exceptions.raise_compiler_error(
            'The connector ' ~ entry.name ~ ' reads ' ~ directory ~ ', which does not exist or holds no files: name its directory, --connector '
            ~ entry.name ~ '=DIR.'
        ) %}
    {% endif %}
    {% set found = {} %}
    {% for (path,) in paths %}
        {% set delivery = path[directory | length + 1:].split('/')[0] %}
        {% set suffix = '[.](parquet|csv|xlsx|json|jsonl|ndjson)([.]gz)?$' %}
        {% if modules.re.search(suffix, path.lower()) %}
            {% set stem = modules.re.sub(suffix, '', delivery.lower()) %}
            {% for declared in declared_tables(entry.connector) %}
                {% set pattern = declared.config.meta.get('files') or ([declared.name] + declared.config.meta.get('also', [])) | join('|') %}
                {% if modules.re.fullmatch('(' ~ modules.re.escape(table_prefix_of(entry, declared) | lower) ~ ')?(' ~ pattern ~ ')', stem) %}
                    {% do found.setdefault(declared.name, {}).setdefault(delivery, []).append(path) %}
                {% endif %}
            {% endfor %}
        {% endif %}
    {% endfor %}
    {% set files = {} %}
    {% for declared in declared_tables(entry.connector) if declared.name in found %}
        {% set deliveries = found[declared.name] %}
        {% if deliveries | length > 1 and not declared.config.meta.get('several') %}
            {% do exceptions.raise_compiler_error(
                'The table ' ~ declared.name ~ ' is delivered more than once in ' ~ directory ~ ', as ' ~ deliveries.keys() | join(' and ')
                ~ ': keep one of them.'
            ) %}
        {% endif %}
        {% do files.update({declared.name: deliveries.values() | sum(start=[])}) %}
    {% endfor %}
    {{ return(files) }}
{% endmacro %}

{# (path,) of all files in a directory and in folders there, however deep. #}
{% macro files_in(directory) %}
    {{ return(fetch_rows(
        'select file from glob(' ~ path_literal(directory)[:-1] ~ "/*')"
        ~ ' union all select file from glob(' ~ path_literal(directory)[:-1] ~ "/*/**') order by file"
    )) }}
{% endmacro %}

{# A loader's table as raw_view_sql makes a view of it: each name that a column may have is a column. #}
{% macro loaded_view_table(entry, declared) %}
    {% set columns = {} %}
    {% for column in declared.columns.values() %}
        {% for name in [column.name] + column.config.meta.get('also', []) %}
            {% do columns.update({name: {
                'name': name,
                'data_type': column.data_type,
                'meta': {
                    'required': column.config.meta.get('required') and loop.first,
                    'also': column.config.meta.get('also', []),
                    'shape': column.config.meta.get('shape')
                }
            }}) %}
        {% endfor %}
    {% endfor %}
    {{ return({
        'name': entry.name ~ '.' ~ declared.name,
        'columns': columns,
        'config': declared.config,
        'is_loaded': true
    }) }}
{% endmacro %}

{# On a warehouse: stops the run at its start, with a sentence, where a loader's table or column is missing without which nothing can be read. #}
{% macro check_loaded_tables() %}
    {% for entry in connectors() %}
        {% for declared in declared_tables(entry.connector) if declared.config.meta.get('required') %}
            {% set found = loaded_table(entry, none, declared.name) %}
            {% if not found.relation %}
                {% do exceptions.raise_compiler_error(
                    'The connector ' ~ entry.name ~ ' needs the table ' ~ place_of(entry, declared, declared.name) ~ ', which there is not: say in'
                    ~ ' `connectors` which schema (and database) its loader fills (docs/connectors.md).'
                ) %}
            {% endif %}
            {% for column in declared.columns.values()
                if column.config.meta.get('required') and not ([column.name] + column.config.meta.get('also', [])) | select('in', found.columns) | list %}
                {% do exceptions.raise_compiler_error(
                    'The connector ' ~ entry.name ~ ' needs the column ' ~ column.name ~ ' of ' ~ found.relation ~ ', which has '
                    ~ found.columns.keys() | join(', ') ~ '.'
                ) %}
            {% endfor %}
        {% endfor %}
    {% endfor %}
{% endmacro %}
