{# Stops the run at its start, with a sentence, where a var has no meaning, or where the files seg_*.sql and the register
   `segments` in dbt_project.yml do not match, or where another project's names stand in the way. (A name without a file never gets here: dbt itself stops, as
   segment_memberships refers to it.) #}
{% macro check_settings() %}
    {% if execute %}
        {% do as_of_day() %}
        {% if var('rfm_method') not in ['quintiles', 'cut_points'] %}
            {% do exceptions.raise_compiler_error("rfm_method is '" ~ var('rfm_method') ~ "', but must be quintiles or cut_points.") %}
        {% endif %}
        {% if var('incremental_staging') and target.type not in ['duckdb', 'postgres'] %}
            {% do exceptions.raise_compiler_error('incremental_staging is written for DuckDB and PostgreSQL, not for ' ~ target.type ~ ': set it to false.') %}
        {% endif %}
        {% do check_traits_register() %}
        {% do journey_steps() %}
        {% do check_message_plans() %}
        {% do check_places_of_raw_tables() %}
        {% set models_for_tables = var('raw_tables').values() | selectattr('model', 'defined') | map(attribute='model') | list %}
        {% if models_for_tables and target.type == 'duckdb' and var('read_raw_files') %}
            {% do exceptions.raise_compiler_error('raw_tables names the model ' ~ models_for_tables[0] ~ ', which is no file: set read_raw_files to false.') %}
        {% endif %}
        {% do refuse_names_of_others() %}
        {% set registered = registered_segments() | map(attribute='name') | list %}
        {% for node in graph.nodes.values() | sort(attribute='unique_id') if node.resource_type == 'model' and node.name[:4] == 'seg_' and node.name[4:] not in registered %}
            {% if node.package_name != 'ecommerce_segments' %}
                {# The other project's models may be called as they like. One that asks our customers is most probably meant as a segment. #}
                {% if 'model.ecommerce_segments.customers' in node.depends_on.nodes %}
                    {% do exceptions.warn(
                        node.original_file_path ~ ' asks customers, but is no registered segment: if it is meant as one, add an entry with name '
                        ~ node.name[4:] ~ ', title, definition and goal to the var `own_segments`.'
                    ) %}
                {% endif %}
            {% else %}
                {% do exceptions.raise_compiler_error(
                    node.original_file_path ~ ' is not registered: add an entry with name ' ~ node.name[4:]
                    ~ ', title, definition and goal to the var `segments` in dbt_project.yml, or remove the file.'
                ) %}
            {% endif %}
        {% endfor %}
        {% for segment in registered_segments() %}
            {% for field in ['name', 'title', 'definition', 'goal'] if not segment.get(field) %}
                {% do exceptions.raise_compiler_error(
                    'The segment ' ~ segment.get('name', loop.index) ~ ' has no ' ~ field
                    ~ ': complete its entry in the var `segments` in dbt_project.yml.'
                ) %}
            {% endfor %}
        {% endfor %}
    {% endif %}
{% endmacro %}

{# Where this project is installed as a package, dbt looks for what our models read in the other project first: a model `customers` there would
   take the place of ours. #}
{% macro refuse_names_of_others() %}
    {% for node in graph.nodes.values() if node.package_name == 'ecommerce_segments' and project_name != 'ecommerce_segments' %}
        {% for id in node.depends_on.nodes if id.split('.')[1] != 'ecommerce_segments' %}
            {% set parts = id.split('.') %}
            {% set ours = (parts[:1] + ['ecommerce_segments'] + parts[2:]) | join('.') %}
            {% if ours in graph.nodes or ours in graph.sources %}
                {% do exceptions.raise_compiler_error(
                    'Our ' ~ node.name ~ ' would read your ' ~ parts[0] ~ ' ' ~ parts[2:] | join('.') ~ ', as it has the name of ours:'
                    ~ ' set require_ref_searches_node_package_before_root: true under `flags` in your dbt_project.yml.'
                ) %}
            {% endif %}
        {% endfor %}
    {% endfor %}
{% endmacro %}

{# A zone, or a map table -> zone. Asked where the files are read, also by those who load them into a warehouse. #}
{% macro check_naive_timestamps() %}
    {% set zones = var('naive_timestamps') %}
    {% set tables = raw_sources() | map(attribute='name') | list %}
    {% if zones is string %}
        {% do check_timezone('naive_timestamps', zones) %}
    {% elif zones is mapping %}
        {% for table, zone in zones.items() %}
            {% do refuse_no_raw_table('naive_timestamps', table, tables) %}
            {% do check_timezone('naive_timestamps of ' ~ table, zone) %}
        {% endfor %}
    {% elif zones is not none %}
        {% do exceptions.raise_compiler_error(
            "naive_timestamps is '" ~ zones ~ "', but must be a time zone, such as Europe/Madrid, or a map of tables to time zones."
        ) %}
    {% endif %}
{% endmacro %}

{# The var `raw_tables`: {table: {database, schema, identifier}} or {table: {model}}. #}
{% macro check_places_of_raw_tables() %}
    {% set tables = raw_sources() | map(attribute='name') | list %}
    {% set keys = ['database', 'schema', 'identifier', 'model'] %}
    {% for table, place in var('raw_tables').items() %}
        {% do refuse_no_raw_table('raw_tables', table, tables) %}
        {% for key in place if key not in keys %}
            {% do exceptions.raise_compiler_error(
                "raw_tables names '" ~ key ~ "' for " ~ table ~ ', which is none of ' ~ keys | join(', ') ~ did_you_mean(key | string, keys)
            ) %}
        {% endfor %}
    {% endfor %}
{% endmacro %}

{% macro refuse_no_raw_table(setting, table, tables) %}
    {% if table not in tables %}
        {% do exceptions.raise_compiler_error(
            setting ~ " names '" ~ table ~ "', which is no raw table" ~ did_you_mean(table | string, tables)
        ) %}
    {% endif %}
{% endmacro %}
