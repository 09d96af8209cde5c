{# Stops a run at its start that would add a date to the history before its latest one. #}
{% macro refuse_earlier_date() %}
    {% if execute and flags.WHICH in ['build', 'run'] %}
        {% set log = built_relation('membership_changes') %}
        {% if log and 'model.' ~ project_name ~ '.membership_changes' in selected_resources %}
            {% set latest = run_query('select max(as_of_date) from ' ~ log).rows[0][0] %}
            {% if latest and latest > as_of_day() %}
                {% do exceptions.raise_compiler_error(
                    'as_of_date is ' ~ as_of_day() ~ ', but the history of segments has come to ' ~ latest
                    ~ ', and goes only forward. To look at an earlier date, build into another warehouse (DUCKDB_PATH=...).'
                ) %}
            {% endif %}
        {% endif %}
    {% endif %}
{% endmacro %}
