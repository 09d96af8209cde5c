{# The priority of a segment of the register in the plan `message_plan`, or none: a number is the same in every plan, and a plan that a map
   does not name takes its `default`. #}
{% macro priority_of(segment) %}
    {% set plans = segment.get('priority') %}
    {{ return(plans.get(var('message_plan'), plans.get('default')) if plans is mapping else plans) }}
{% endmacro %}

{# Stops the run where a priority has no meaning, or where message_plan is a plan that no segment names. #}
{% macro check_message_plans() %}
    {% set plans = ['default'] %}
    {% for segment in registered_segments() if segment.get('priority') is not none %}
        {% set priorities = segment.priority if segment.priority is mapping else {'default': segment.priority} %}
        {% for plan, priority in priorities.items() %}
            {% if priority is not none and (priority is not integer or priority < 1) %}
                {% do exceptions.raise_compiler_error(
                    "The segment " ~ segment.name ~ " has the priority '" ~ priority ~ "', but must have a whole number from 1 on, "
                    ~ 'or a map of plans to such numbers, such as {default: 3, sale: 1}.'
                ) %}
            {% endif %}
            {% do plans.append(plan) %}
        {% endfor %}
    {% endfor %}
    {% if var('message_plan') not in plans %}
        {% do exceptions.raise_compiler_error(
            "message_plan is '" ~ var('message_plan') ~ "', but must be a plan that the priority of a segment names: "
            ~ plans | unique | join(', ') ~ '.'
        ) %}
    {% endif %}
{% endmacro %}
