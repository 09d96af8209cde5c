{# Whether a customer gets no marketing message in the quarter of tomorrow, when messages of today's build go out: global_holdout_percent of
   all, by a hash of the quarter and the id. #}
{% macro is_in_global_holdout(customer_id) -%}
    {%- set tomorrow = as_of_day() + modules.datetime.timedelta(days=1) -%}
    {{ quarter_bucket("'" ~ quarter_of(tomorrow) ~ "'", customer_id) }} < {{ var('global_holdout_percent') }} * 100
{%- endmacro %}

{# Which of 10,000 parts of all a customer is in, for a quarter. #}
{% macro quarter_bucket(quarter, customer_id) -%}
    {{ hash_bucket(quarter ~ " || ':' || " ~ customer_id, 10000) }}
{%- endmacro %}

{# The name of a day's calendar quarter, such as 2026-Q3. #}
{% macro quarter_of(day) -%}
    {{ return(day.year ~ '-Q' ~ ((day.month + 2) // 3)) }}
{%- endmacro %}

{# The last n calendar quarters up to D's, the newest first: name, first and last day, as Python dates. #}
{% macro last_quarters(n) %}
    {% set quarters, day = [], namespace(value=as_of_day()) %}
    {% for _ in range(n) %}
        {% set first_month = (day.value.month - 1) // 3 * 3 + 1 %}
        {% set starts_on = day.value.replace(month=first_month, day=1) %}
        {% set ends_on = day.value.replace(month=first_month + 2, day=days_in_month(day.value.year, first_month + 2)) %}
        {% do quarters.append({'name': quarter_of(starts_on), 'starts_on': starts_on, 'ends_on': ends_on}) %}
        {% set day.value = starts_on - modules.datetime.timedelta(days=1) %}
    {% endfor %}
    {{ return(quarters) }}
{% endmacro %}
