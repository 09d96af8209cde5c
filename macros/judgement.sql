{# How a delivered row is judged: by itself (row_fault), then against the other versions of its key (version_rank), then
   against other tables (relation_fault, each model's own). verdict_columns puts the three together. #}

{# The first thing that is wrong with a row by itself, or null. `readable` are typed columns that may not hold unreadable
   text; `forbidden` maps a reason to its condition. #}
{% macro row_fault(required, readable, forbidden={}) -%}
    case
        {%- for column in readable %}
        when {{ unreadable(column) }} is not null then 'unreadable {{ column }}'
        {%- endfor %}
        {%- for column in required %}
        when {{ column }} is null then 'missing {{ column }}'
        {%- endfor %}
        {%- for reason, condition in forbidden.items() %}
        when {{ condition }} then '{{ reason }}'
        {%- endfor %}
    end
{%- endmacro %}

{# 1 for the version that counts among the rows of a key that pass by themselves. `order_by` goes on to every other column,
   and to what could not be read of the `descriptive` ones, so that rows equal in key and time are told apart by their values
   and never by the order in which they came. #}
{% macro version_rank(key, order_by, descriptive=[]) -%}
    row_number() over (
        partition by {{ key | join(', ') }}, judged.row_fault is null
        order by
            {{ order_by | join(' nulls last, ') }} nulls last
            {%- for column in descriptive %}, {{ unreadable('judged.' ~ column) }} nulls last{% endfor %}
    )
{%- endmacro %}

{# The verdict of a row, the reason of a rejection, and the rejected row's values as one text, which an earlier run may have
   written. `columns` are the raw ones. #}
{% macro verdict_columns(columns, readable, former_raw_values='') -%}
    case
        when row_fault is not null then 'rejected'
        when version_rank > 1 then 'duplicate'
        when relation_fault is not null then 'rejected'
        else 'kept'
    end as verdict,
    case
        when row_fault is not null then row_fault
        when version_rank = 1 then relation_fault
    end as rejection_reason,
    case
        {%- if former_raw_values %}
        when {{ former_raw_values }} is not null then {{ former_raw_values }}
        {%- endif %}
        when row_fault is not null or (version_rank = 1 and relation_fault is not null)
            then {{ raw_values(columns, readable) }}
    end as raw_values
{%- endmacro %}

{# The values as they were read; one that could not be read, as it was delivered. #}
{% macro raw_values(columns, readable) -%}
    {%- set values = {} -%}
    {%- for column in columns -%}
        {%- set text = 'cast(' ~ column ~ ' as ' ~ dbt.type_string() ~ ')' -%}
        {%- do values.update({column: 'coalesce(' ~ text ~ ', ' ~ unreadable(column) ~ ')' if column in readable else text}) -%}
    {%- endfor -%}
    {%- do values.update({'loaded_at': unreadable('loaded_at')}) -%}
    {{ named_values(values) }}
{%- endmacro %}

{# The delivered text of a descriptive value that reads as null, because it is unreadable or forbidden. #}
{% macro repaired_from(column, is_forbidden) -%}
    case
        when {{ unreadable(column) }} is not null then {{ unreadable(column) }}
        when {{ is_forbidden }} then cast({{ column }} as {{ dbt.type_string() }})
    end
{%- endmacro %}
