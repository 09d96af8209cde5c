{# How a delivered row is validated: by itself (validation_error), then against the other versions of its key (version_rank), then
   against other tables (orphan_error, each model's own). row_status_columns puts the three together.

   A table with updated_at has versions: of those with a key and a time the newest decides, even where it breaks the contract, and an
   older one never takes its place. In the other tables a row that breaks the contract is no occurrence of its key at all. #}

{# What _raw_sources.yml says of a raw table: its name, key, columns without loaded_at, those that a row must have, those of a type
   other than text whose unreadable values reject a row (loaded_at among them), and the descriptive ones, whose values never do. #}
{% macro raw_contract(table) %}
    {% set raw = {'name': table, 'key': [], 'columns': [], 'texts': [], 'required': [], 'castable': [], 'descriptive': []} %}
    {# dbt has no graph while it parses. #}
    {% if execute %}
        {% set contract = graph.sources['source.ecommerce_segments.raw.' ~ table] %}
        {% do raw.key.extend(contract.config.meta.get('key', [])) %}
        {% for column in contract.columns.values() %}
            {% do raw.columns.append(column.name) if column.name != 'loaded_at' %}
            {% do raw.texts.append(column.name) if column.data_type == 'text' %}
            {% do raw.required.append(column.name) if column.config.meta.get('required') %}
            {% if column.data_type != 'text' %}
                {% do (raw.descriptive if column.config.meta.get('descriptive') else raw.castable).append(column.name) %}
            {% endif %}
        {% endfor %}
    {% endif %}
    {{ return(raw) }}
{% endmacro %}

{# The raw tables whose rows are validated. (sale_campaigns and marketing_campaigns are what analysts edit, and are tested.) #}
{% macro contract_tables() %}
    {{ return([
        'customers', 'products', 'orders', 'order_lines', 'refunds', 'sessions',
        'web_events', 'email_events', 'reviews', 'marketing_spend', 'custom_traits', 'exchange_rates'
    ]) }}
{% endmacro %}

{# The column of a base model that holds the key of a row as one text. #}
{% macro row_key(raw) -%}
    {{ 'row_key' if raw.key | length > 1 else raw.key | first or 'cast(null as ' ~ dbt.type_string() ~ ')' }}
{%- endmacro %}

{# The first thing that is wrong with a row by itself, or null. `forbidden` maps a reason to its condition. #}
{% macro validation_error(raw, forbidden={}) -%}
    case
        {%- if connectors_of(raw.name) %}
        when source_error is not null then source_error
        {%- endif %}
        {%- for column in raw.castable %}
        when {{ unreadable(column) }} is not null then 'unreadable {{ column }}'
        {%- endfor %}
        {%- for column in raw.required %}
        when {{ column }} is null then 'missing {{ column }}'
        {%- endfor %}
        {%- for reason, condition in forbidden.items() %}
        when {{ condition }} then '{{ reason }}'
        {%- endfor %}
    end
{%- endmacro %}

{# Whether a row takes part when the one that counts for its key is found. #}
{% macro is_candidate(raw) -%}
    {%- if 'updated_at' in raw.columns -%}
        ({{ raw.key | join(' is not null and ') }} is not null and updated_at is not null)
    {%- else -%}
        (validation_error is null)
    {%- endif -%}
{%- endmacro %}

{# 1 for the row of the CTE `validated` that counts among those of its key: of versions the newest, of occurrences the first by
   `earliest`. The order goes on to every other column, and to what could not be read of the descriptive ones, so that rows equal in
   key and time are told apart by their values and never by the order in which they came. #}
{% macro version_rank(raw, earliest=none) -%}
    {%- set has_versions = 'updated_at' in raw.columns -%}
    {%- set values = [earliest] if earliest else [] -%}
    {%- do values.extend(raw.columns | reject('in', raw.key + [earliest, 'updated_at', 'is_deleted'])) -%}
    row_number() over (
        partition by validated.{{ raw.key | join(', validated.') }}, {{ is_candidate(raw) }}
        order by
            {%- if has_versions %}
            updated_at desc nulls last,
            {# At one time a deletion comes first, then what keeps the contract. -#}
            case when is_deleted then 0 when validation_error is null then 1 else 2 end,
            {%- endif %}
            {%- for column in values %}
            {{ binary_collation('validated.' ~ column) if column in raw.texts else 'validated.' ~ column }} nulls last{{ ',' if not loop.last }}
            {%- endfor %}
            {%- for column in raw.descriptive if has_versions %}, {{ unreadable(column) }} nulls last{% endfor %}
    )
{%- endmacro %}

{# The row status of a row, the reason of a rejection, and the rejected row's values as one text, which an earlier run may have
   written. A compound key stands as one text too, with `|` between its parts. #}
{% macro row_status_columns(raw, former_raw_values='') -%}
    {%- set is_deleted = 'coalesce(is_deleted, false)' if 'updated_at' in raw.columns else 'false' -%}
    {%- set is_rejected = 'not ' ~ is_candidate(raw) ~ ' or (version_rank = 1 and not ' ~ is_deleted
        ~ ' and coalesce(validation_error, orphan_error) is not null)' -%}
    case
        when {{ is_rejected }} then 'rejected'
        when version_rank > 1 then 'duplicate'
        {%- if 'updated_at' in raw.columns %}
        when {{ is_deleted }} then 'deleted'
        {%- endif %}
        else 'kept'
    end as row_status,
    case when {{ is_rejected }} then coalesce(validation_error, orphan_error) end as rejection_reason,
    case
        {%- if former_raw_values %}
        when {{ former_raw_values }} is not null then {{ former_raw_values }}
        {%- endif %}
        {#- What an older version said of itself is asked again if it becomes the newest. #}
        when validation_error is not null or {{ is_rejected }} then {{ raw_values(raw) }}
    end as raw_values
    {%- if raw.key | length > 1 %},
    {% for column in raw.key %}{{ " || '|' || " if not loop.first }}coalesce({{ value_as_text(raw, column) }}, ''){% endfor %} as row_key
    {%- endif %}
{%- endmacro %}

{# The values as they were read; one that could not be read, as it was delivered. #}
{% macro raw_values(raw) -%}
    {%- set values = {} -%}
    {%- for column in raw.columns -%}
        {%- do values.update({column: value_as_text(raw, column)}) -%}
    {%- endfor -%}
    {%- do values.update({'loaded_at': unreadable('loaded_at')}) -%}
    {{ named_values(values) }}
{%- endmacro %}

{% macro value_as_text(raw, column) %}
    {% set text = 'cast(' ~ column ~ ' as ' ~ dbt.type_string() ~ ')' %}
    {{ return(text if column in raw.texts else 'coalesce(' ~ text ~ ', ' ~ unreadable(column) ~ ')') }}
{% endmacro %}

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
