{# What is true of a table, told rule by rule and found in one query: no two rows have the same `key` (a missing part is a value like others), the columns of `not_null` have a value,
   those of `values` one of a list, or none, and each of the `rules`, {sentence: condition}, holds for each row. Unknown is not true.
   A rule that is broken comes with the query of its rows. #}
{% test keeps_rules(model, key=[], not_null=[], values={}, rules={}) %}
{{ config(fail_calc='coalesce(sum(rows_found), 0)') }}
{% set conditions = {} %}
{% for column in not_null %}
    {% do conditions.update({column ~ ' is never missing': column ~ ' is not null'}) %}
{% endfor %}
{% for column, allowed in values.items() %}
    {% do conditions.update({column ~ ' is one of ' ~ allowed | join(', '): column ~ " is null or " ~ column ~ " in ('" ~ allowed | join("', '") ~ "')"}) %}
{% endfor %}
{% do conditions.update(rules) %}
with

counted as (

    select
        {% for condition in conditions.values() %}
        sum(case when {{ condition }} then 0 else 1 end) as broken_{{ loop.index }},
        {% endfor %}
        count(*) as rows_found
    from {{ model }}

),

{% if key %}
repeated as (

    select sum(copies) as rows_found
    from (
        select count(*) as copies
        from {{ model }}
        group by {{ key | join(', ') }}
        having count(*) > 1
    ) as keys

),
{% endif %}

broken as (

    {% for rule in conditions %}
    select
        {{ text_literal(rule) }} as rule,
        broken_{{ loop.index }} as rows_found,
        {{ text_literal('select * from ' ~ model ~ ' where case when ' ~ conditions[rule] ~ ' then 0 else 1 end = 1') }} as query
    from counted
    {{ 'union all' if key or not loop.last }}
    {% endfor %}
    {% if key %}
    select
        'one row per {{ key | join(', ') }}' as rule,
        rows_found,
        {{ text_literal('select ' ~ key | join(', ') ~ ', count(*) as copies from ' ~ model ~ ' group by ' ~ key | join(', ') ~ ' having count(*) > 1') }} as query
    from repeated
    {% endif %}

)

select *
from broken
where rows_found > 0
{% endtest %}
