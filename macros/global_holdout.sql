{# Whether a customer gets no marketing message in the quarter of tomorrow, when messages of today's build go out: global_holdout_percent of
   all, by a hash of the quarter and the id. #}
{% macro is_in_global_holdout(customer_id) -%}
    {%- set day = as_of_day() + modules.datetime.timedelta(days=1) -%}
    {%- set quarter = day.year ~ '-Q' ~ ((day.month + 2) // 3) -%}
    {{ hash_bucket("'" ~ quarter ~ ":' || " ~ customer_id, 10000) }} < {{ var('global_holdout_percent') }} * 100
{%- endmacro %}
