{# What happens before the first model of a run, and after its last one. In another project, that installs this one, only if the run is
   about ours: whoever builds a model of their own there needs no raw files. #}
{% macro before_run() %}
    {% if execute and is_about_ours() %}
        {% do check_settings() %}
        {% do expose_raw_files() %}
        {% do refuse_earlier_date() %}
        {% do refuse_another_date() %}
        {% do drop_removed_segments() %}
    {% endif %}
{% endmacro %}

{% macro after_run(results) %}
    {% if execute and is_about_ours() %}
        {% do note_date(results) %}
        {% do describe_built(results) %}
    {% endif %}
{% endmacro %}

{% macro is_about_ours() %}
    {% set segments = segments_of_others() %}
    {% for id in selected_resources if id.split('.')[1] == 'ecommerce_segments' or id in segments %}
        {{ return(true) }}
    {% endfor %}
    {{ return(false) }}
{% endmacro %}
