{# Stops the run at its start, with a sentence, where a var has no meaning, or where the files seg_*.sql and the register
   `segments` in dbt_project.yml do not match. (A name without a file never gets here: dbt itself stops, as
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
        {% set registered = var('segments') | map(attribute='name') | list %}
        {# Where this project is installed as a package, the other one's models may be called as they like. #}
        {% for node in graph.nodes.values() if node.unique_id.startswith('model.ecommerce_segments.seg_') %}
            {% if node.name[4:] not in registered %}
                {% do exceptions.raise_compiler_error(
                    node.original_file_path ~ ' is not registered: add an entry with name ' ~ node.name[4:]
                    ~ ', title, definition and goal to the var `segments` in dbt_project.yml, or remove the file.'
                ) %}
            {% endif %}
        {% endfor %}
        {% for segment in var('segments') %}
            {% for field in ['name', 'title', 'definition', 'goal'] if not segment.get(field) %}
                {% do exceptions.raise_compiler_error(
                    'The segment ' ~ segment.get('name', loop.index) ~ ' has no ' ~ field
                    ~ ': complete its entry in the var `segments` in dbt_project.yml.'
                ) %}
            {% endfor %}
        {% endfor %}
    {% endif %}
{% endmacro %}

{# A zone, or a map table -> zone. Asked where the files are read, also by those who load them into a warehouse. #}
{% macro check_naive_timestamps() %}
    {% set zones = var('naive_timestamps') %}
    {% set tables = graph.sources.values() | selectattr('source_name', 'equalto', 'raw') | map(attribute='name') | list %}
    {% if zones is string %}
        {% do check_timezone('naive_timestamps', zones) %}
    {% elif zones is mapping %}
        {% for table, zone in zones.items() %}
            {% if table not in tables %}
                {% do exceptions.raise_compiler_error(
                    "naive_timestamps names '" ~ table ~ "', which is no raw table" ~ did_you_mean(table | string, tables)
                ) %}
            {% endif %}
            {% do check_timezone('naive_timestamps of ' ~ table, zone) %}
        {% endfor %}
    {% elif zones is not none %}
        {% do exceptions.raise_compiler_error(
            "naive_timestamps is '" ~ zones ~ "', but must be a time zone, such as Europe/Madrid, or a map of tables to time zones."
        ) %}
    {% endif %}
{% endmacro %}
