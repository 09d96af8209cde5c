{# What is true of tables, {name: what is said of it}, told rule by rule and found by one query: no two rows have the same `key` (a missing part is a value like
   others) or one of the `other_keys`, the columns of `not_null` have a value, those of `values` one of a list, or none, those of `references`, {column: table}, one
   that the column of this name has there, or none, and each of the `rules`, {sentence: condition}, holds for each row; of the rows `where`, if it is said.
   Unknown is not true. A rule that is broken comes with the query of its rows. #}
{% macro broken_rules(tables) %}
with

{% for name, said in tables.items() %}
{% set rows = said.relation or ref(name) %}
{% if said.where %}
    {% set rows = '(select * from ' ~ rows ~ ' where ' ~ said.where ~ ') as asked' %}
{% endif %}
{% set conditions = conditions_of(said) %}
{% set number = loop.index %}
{% if conditions %}
counted_{{ number }} as (

    select
        {% for condition in conditions.values() %}
        sum(case when {{ condition }} then 0 else 1 end) as broken_{{ loop.index }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ rows }}

),

{% endif %}
broken_{{ number }} as (

    {% for rule, condition in conditions.items() %}
    select
        {{ text_literal(rule) }} as rule,
        broken_{{ loop.index }} as rows_found,
        {{ text_literal('select * from ' ~ rows ~ ' where case when ' ~ condition ~ ' then 0 else 1 end = 1') }} as query
    from counted_{{ number }}
    {{ 'union all' if not loop.last or said.key or said.references }}
    {% endfor %}
    {% for key in [said.key] + said.get('other_keys', []) if key %}
    {% set columns = key | join(', ') %}
    {% set repeated = 'select ' ~ columns ~ ', count(*) as copies from ' ~ rows ~ ' group by ' ~ columns ~ ' having count(*) > 1' %}
    select
        'one row per {{ columns }}' as rule,
        sum(copies) as rows_found,
        {{ text_literal(repeated) }} as query
    from ({{ repeated }}) as keys
    {{ 'union all' if not loop.last or said.references }}
    {% endfor %}
    {% for column, other in said.get('references', {}).items() %}
    {% set unknown = 'select referring.* from (select * from ' ~ rows ~ ') as referring left join (select ' ~ column ~ ' as known from ' ~ ref(other)
        ~ ') as others on referring.' ~ column ~ ' = others.known where referring.' ~ column ~ ' is not null and others.known is null' %}
    select
        'each {{ column }} is one of {{ other }}' as rule,
        count(*) as rows_found,
        {{ text_literal(unknown) }} as query
    from ({{ unknown }}) as strangers
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

{% endfor %}
broken as (

    {% for name in tables %}
    select
        '{{ name }}' as table_name,
        rule,
        rows_found,
        query
    from broken_{{ loop.index }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select *
from broken
where rows_found > 0
{% endmacro %}

{# {rule: condition} of what is said of each row of a table. #}
{% macro conditions_of(said) %}
    {% set conditions = {} %}
    {% for column in said.get('not_null', []) %}
        {% do conditions.update({column ~ ' is never missing': column ~ ' is not null'}) %}
    {% endfor %}
    {% for column, allowed in said.get('values', {}).items() %}
        {% do conditions.update({column ~ ' is one of ' ~ allowed | join(', '): column ~ " is null or " ~ column ~ " in ('" ~ allowed | join("', '") ~ "')"}) %}
    {% endfor %}
    {% do conditions.update(said.get('rules', {})) %}
    {{ return(conditions) }}
{% endmacro %}
