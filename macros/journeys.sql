{# The messages of the var `journeys`, numbered within each journey: {journey, step, due_days, reentry, reentry_days, exit_on_purchase}. `reentry_days`
   is null but for `after N days`. Says in a sentence what is wrong with the var. #}
{% macro journey_steps() %}
    {% set known = ['welcome', 'browse_abandonment', 'cart_abandonment', 'post_purchase', 'replenishment', 'second_purchase', 'win_back',
        'review_request', 'birthday'] %}
    {% set steps = [] %}
    {% for journey, entry in var('journeys').items() %}
        {% if journey not in known %}
            {% do exceptions.raise_compiler_error(
                "journeys names '" ~ journey ~ "', which is no journey" ~ (did_you_mean(journey | string, known) or ': ' ~ known | join(', ') ~ '.')
            ) %}
        {% endif %}
        {% set days = entry.get('due_days') %}
        {% if days is string or days is not iterable or not days or days | select('integer') | list != days | list %}
            {% do exceptions.raise_compiler_error(
                'due_days of the journey ' ~ journey ~ ' must be a list of whole numbers, such as [7, 30], but is ' ~ days ~ '.'
            ) %}
        {% endif %}
        {% set after = modules.re.fullmatch('after ([1-9][0-9]{0,4}) days?', entry.get('reentry') | string) %}
        {% if not after and entry.get('reentry') not in ['once', 'each time'] %}
            {% do exceptions.raise_compiler_error(
                'reentry of the journey ' ~ journey ~ ' must be once, each time, or such as after 30 days, but is ' ~ entry.get('reentry') ~ '.'
            ) %}
        {% endif %}
        {% if entry.get('exit_on_purchase') is not boolean %}
            {% do exceptions.raise_compiler_error(
                'exit_on_purchase of the journey ' ~ journey ~ ' must be true or false, but is ' ~ entry.get('exit_on_purchase') ~ '.'
            ) %}
        {% endif %}
        {% for due_days in days %}
            {% do steps.append({
                'journey': journey, 'step': loop.index, 'due_days': due_days, 'reentry': 'after' if after else entry.reentry,
                'reentry_days': after[1] if after else 'null', 'exit_on_purchase': entry.exit_on_purchase | lower
            }) %}
        {% endfor %}
    {% endfor %}
    {% if not steps %}
        {% do exceptions.raise_compiler_error('journeys names no journey: leave at least one.') %}
    {% endif %}
    {{ return(steps) }}
{% endmacro %}

{# Of the rows of `dates` (customer_id, journey, step, due_on, reentry_days; no two alike) those that a customer enters on: the first date, and each that
   is at least reentry_days after the one entered before. #}
{% macro dates_apart(dates) -%}
    {{ adapter.dispatch('dates_apart', 'ecommerce_segments')(dates) }}
{%- endmacro %}
