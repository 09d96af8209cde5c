{# How a delivered row is judged: by itself (row_fault), then against the other versions of its key (version_rank), then
   against other tables (relation_fault, each model's own). verdict_columns puts the three together.

   A table with updated_at has versions: of those with a key and a time the newest decides, even where it breaks the contract, and an
   older one never takes its place. In the other tables a row that breaks the contract is no occurrence of its key at all. #}

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

{# Whether a row takes part when the one that counts for its key is found. `versions_of`: the columns of the key, where the table
   has versions. #}
{% macro is_candidate(versions_of) -%}
    {%- if versions_of -%}
        ({{ versions_of | join(' is not null and ') }} is not null and updated_at is not null)
    {%- else -%}
        (row_fault is null)
    {%- endif -%}
{%- endmacro %}

{# 1 for the row that counts among those of a key. `order_by` goes on to every other column, and to what could not be read of the
   `descriptive` ones, so that rows equal in key and time are told apart by their values and never by the order in which they came. #}
{% macro version_rank(key, order_by, descriptive=[], has_versions=false) -%}
    row_number() over (
        partition by {{ key | join(', ') }}, {{ is_candidate(key if has_versions) }}
        order by
            {%- if has_versions %}
            updated_at desc nulls last,
            {# At one time a deletion comes first, then what keeps the contract. -#}
            case when is_deleted then 0 when row_fault is null then 1 else 2 end,
            {%- endif %}
            {{ order_by | join(' nulls last, ') }} nulls last
            {%- for column in descriptive %}, {{ unreadable(column) }} nulls last{% endfor %}
    )
{%- endmacro %}

{# The verdict of a row, the reason of a rejection, and the rejected row's values as one text, which an earlier run may have
   written. `columns` are the raw ones. #}
{% macro verdict_columns(columns, readable, former_raw_values='', versions_of=[]) -%}
    {%- set is_deleted = 'coalesce(is_deleted, false)' if versions_of else 'false' -%}
    {%- set is_rejected = 'not ' ~ is_candidate(versions_of) ~ ' or (version_rank = 1 and not ' ~ is_deleted
        ~ ' and coalesce(row_fault, relation_fault) is not null)' -%}
    case
        when {{ is_rejected }} then 'rejected'
        when version_rank > 1 then 'duplicate'
        {%- if versions_of %}
        when {{ is_deleted }} then 'deleted'
        {%- endif %}
        else 'kept'
    end as verdict,
    case when {{ is_rejected }} then coalesce(row_fault, relation_fault) end as rejection_reason,
    case
        {%- if former_raw_values %}
        when {{ former_raw_values }} is not null then {{ former_raw_values }}
        {%- endif %}
        {#- What an older version said of itself is asked again if it becomes the newest. #}
        when row_fault is not null or {{ is_rejected }} then {{ raw_values(columns, readable) }}
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

{# What a table whose rows are rejected for this reason usually has. #}
{% macro usual_cause(reason) -%}
    case
        when {{ reason }} like 'negative %' then 'turned signs'
        when {{ reason }} like 'unreadable %_at' or {{ reason }} like 'unreadable %_date' then 'dates in the way of a country, or local times with the name of a zone'
        when {{ reason }} like 'unreadable is_%' then 'flags in words of its own'
        when {{ reason }} like 'unreadable %' then 'decimal commas, thousands separators or currency signs'
        when {{ reason }} like 'missing %' then 'a column that is empty or has another name'
        when {{ reason }} like 'unknown or rejected order' then 'other ids than those of orders, or orders that are rejected themselves'
        else 'values that stand for something else than in the contract'
    end
{%- endmacro %}
