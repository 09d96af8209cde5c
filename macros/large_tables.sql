{# Order lines, sessions, web events and email events are most of a shop's rows. They are validated by exception: a row that keeps the
   contract and shares its key with no other is kept where it was delivered, and its base model does not copy it.

   With incremental_staging the base models of the tables that grow with history hold all rows instead, and a run validates those that
   were loaded since the last one, together with the former versions of their keys. #}

{# Whether a table is one of those that incremental_staging is for, and it is asked for. #}
{% macro grows_with_history(table) %}
    {{ return(var('incremental_staging') and table in ['order_lines', 'web_events', 'email_events']) }}
{% endmacro %}

{# Whether only those rows of a table have a row status that need one. #}
{% macro validated_by_exception(table) %}
    {{ return(table in ['order_lines', 'sessions', 'web_events', 'email_events'] and not grows_with_history(table)) }}
{% endmacro %}

{# The configuration of a base model. What one mode built is no beginning for the other, so each has a table of its own. #}
{% macro large_table(table) %}
    {% set config = {'materialized': 'table'} %}
    {% if grows_with_history(table) %}
        {% do config.update({'materialized': 'incremental', 'incremental_strategy': 'delete+insert', 'unique_key': 'key_hash',
            'on_schema_change': 'fail', 'alias': 'all_' ~ table}) %}
    {% endif %}
    {{ return(config) }}
{% endmacro %}

{# The delivered rows of a table, each validated by itself. A run that goes on from the last one reads what was loaded since, and
   has the other rows from its own table. #}
{% macro delivered_rows(raw, validation_error) -%}
    {%- set is_new = 'coalesce(loaded_at >= ' ~ loaded_since() ~ ', true)' if is_incremental() -%}
    select
        {{ raw.columns | join(',\n        ') }},
        loaded_at,
        {%- for column in unreadable_columns(raw.castable + raw.descriptive) %}
        {{ column }},
        {%- endfor %}
        {{ key_hash(raw.key[0]) }} as key_hash,
        {{ validation_error }} as validation_error,
        cast(null as {{ dbt.type_string() }}) as former_raw_values
    from {{ raw_table(raw.name) }}
    {%- if is_incremental() %}
    where {{ is_new }}
    union all
    select
        {{ raw.columns | join(',\n        ') }},
        loaded_at,
        {%- for column in unreadable_columns(raw.castable) %}
        cast(null as {{ dbt.type_string() }}) as {{ column }},
        {%- endfor %}
        {%- for column in unreadable_columns(raw.descriptive) %}
        {{ raw.descriptive[loop.index0] }}_repaired_from as {{ column }},
        {%- endfor %}
        key_hash,
        validation_error,
        case when validation_error is not null then raw_values end as former_raw_values
    from {{ this }}
    where not {{ is_new }}
    {%- endif %}
{%- endmacro %}

{# From when on rows are new: the as-of date of the last run, and the days that loaded_at may lie before the arrival. #}
{% macro loaded_since() %}
    {% set last = run_query('select max(as_of_date) from ' ~ this).rows[0][0] if execute %}
    {{ return(
        "cast('" ~ ((last - modules.datetime.timedelta(days=var('incremental_lookback_days'))).strftime('%Y-%m-%d') if last else '1970-01-01')
        ~ "' as timestamp)"
    ) }}
{% endmacro %}

{# The keys whose rows are validated against each other: those that more than one row has, found by their hashes in two thirds of the
   time that the keys themselves take, or those of new rows. Keys that share a hash by chance are told apart by version_rank. #}
{% macro keys_to_validate(raw) -%}
    select key_hash
    from (
        select {{ key_hash(raw.key[0]) }} as key_hash from {{ raw_table(raw.name) }}
        {%- if is_incremental() %}
        where coalesce(loaded_at >= {{ loaded_since() }}, true)
        {%- endif %}
    ) as keys
    group by key_hash
    {%- if not is_incremental() %}
    having count(*) > 1
    {%- endif %}
{%- endmacro %}

{# Whether a row of `delivered` gets a row status; `exceptions` are conditions that ask for one besides. #}
{% macro needs_row_status(table, exceptions=[]) -%}
    {%- if is_incremental() -%}
        keys_to_validate.key_hash is not null
    {%- elif grows_with_history(table) -%}
        true
    {%- else -%}
        {{ (['delivered.validation_error is not null', 'keys_to_validate.key_hash is not null'] + exceptions) | join('\n        or ') }}
    {%- endif -%}
{%- endmacro %}

{# What a later run must know of a row. #}
{% macro columns_for_the_next_run(table) -%}
    {%- if grows_with_history(table) -%}
    loaded_at,
    validation_error,
    {{ as_of_date() }} as as_of_date,
    {%- endif -%}
{%- endmacro %}

{# The kept rows of a table, in the raw columns: those that needed no row status, where they were delivered, and those that got the
   row status `kept`. A key stands in only one of the two. #}
{% macro kept_rows(table) -%}
    {%- set raw = raw_contract(table) -%}
    {%- if not grows_with_history(table) -%}
    select
        delivered.{{ raw.columns | join(',\n        delivered.') }}
    from (
        select
            *,
            {{ key_hash(raw.key[0]) }} as key_hash
        from {{ raw_table(table) }}
    ) as delivered
    left join (select distinct key_hash from {{ ref('base_' ~ table) }}) as validated on delivered.key_hash = validated.key_hash
    where validated.key_hash is null
    union all
    {% endif -%}
    select
        {{ raw.columns | join(',\n        ') }}
    from {{ ref('base_' ~ table) }}
    where row_status = 'kept'
{%- endmacro %}

{# The relation that holds all delivered rows of a table. Rows that are delivered no more stay in an incremental one until it is
   built anew (--full-refresh). #}
{% macro received(table) %}
    {{ return(ref('base_' ~ table) if grows_with_history(table) else raw_table(table)) }}
{% endmacro %}
