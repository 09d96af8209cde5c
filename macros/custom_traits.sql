{# What a row of raw.custom_traits may have wrong, by the register of the var `custom_traits`: {reason: condition}. #}
{% macro custom_trait_faults() %}
    {% set names = [] %}
    {% set misread = [] %}
    {% set not_allowed = [] %}
    {% for trait in var('custom_traits') or [] %}
        {% set is_this = 'trait = ' ~ text_literal(trait.name) ~ ' and ' %}
        {% do names.append(text_literal(trait.name)) %}
        {% do misread.append(is_this ~ 'not ' ~ is_value_of(trait.type, 'value')) %}
        {% if trait.get('values') %}
            {% set allowed = [] %}
            {% for value in trait.get('values') %}
                {% do allowed.append(comparable_value(trait.type, text_literal(value | string))) %}
            {% endfor %}
            {# Only a case keeps the values of other traits from being read as numbers. #}
            {% do not_allowed.append(
                'case when trait = ' ~ text_literal(trait.name) ~ ' then ' ~ comparable_value(trait.type, 'value') ~ ' not in ('
                ~ allowed | join(', ') ~ ') else false end'
            ) %}
        {% endif %}
    {% endfor %}
    {{ return({
        'unknown trait': 'trait not in (' ~ names | join(', ') ~ ')' if names else 'true',
        'value not of the type of its trait': misread | join(' or ') or 'false',
        'value not allowed for its trait': not_allowed | join(' or ') or 'false',
    }) }}
{% endmacro %}

{# Columns of rows with a row per trait: the value of each registered trait, in its type. #}
{% macro newest_custom_traits() %}
    {% set columns = [] %}
    {% for trait in var('custom_traits') or [] %}
        {% set value = 'max(case when trait = ' ~ text_literal(trait.name) ~ ' then trait_value end)' %}
        {% do columns.append('cast(' ~ comparable_value(trait.type, value) ~ ' as ' ~ trait_type(trait.type) ~ ') as ' ~ trait.name) %}
    {% endfor %}
    {{ return(columns) }}
{% endmacro %}

{# A value as it is compared with those of the register: 1.0 is 1, and YES is what YAML makes of yes. #}
{% macro comparable_value(type, text) %}
    {{ return({
        'number': 'cast(' ~ text ~ ' as ' ~ decimal_type(28, 6) ~ ')',
        'boolean': '(lower(' ~ text ~ ") in ('true', 't', 'yes', '1'))",
    }.get(type, text)) }}
{% endmacro %}

{# Whether a text is a value of a type of custom traits, by the grammar of the raw contract. #}
{% macro is_value_of(type, text) %}
    {% set long_months = '(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])' %}
    {% set short_months = '(0[469]|11)-(0[1-9]|[12][0-9]|30)' %}
    {% set leap_years = '([0-9][0-9](0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)' %}
    {{ return({
        'text': '(true)',
        'number': matches(text, '^[+-]?(0*[0-9]{1,12}([.][0-9]*)?|[.][0-9]+)$'),
        'boolean': "(lower(" ~ text ~ ") in ('true', 't', 'yes', '1', 'false', 'f', 'no', '0'))",
        'date': '(' ~ matches(text, '^[0-9]{4}-(' ~ long_months ~ '|' ~ short_months ~ '|02-(0[1-9]|1[0-9]|2[0-8]))$')
            ~ ' or ' ~ matches(text, '^' ~ leap_years ~ '-02-29$') ~ ')',
    }[type]) }}
{% endmacro %}
