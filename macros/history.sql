{# Stops a run at its start that would add a date to the history before its latest one. #}
{% macro refuse_earlier_date() %}
    {% if execute and flags.WHICH in ['build', 'run'] %}
        {% set model = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model')
            | selectattr('name', 'equalto', 'membership_changes') | first %}
        {% set log = adapter.get_relation(model.database, model.schema, model.alias) %}
        {% if log and model.unique_id in selected_resources %}
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
