{# The rows of a loader's table, of all entries of a connector, in the columns that the connector's sources declare, in their types; what the
   loader did not land is null. What stands in the declared columns' `config.meta`:
     is_id        the value is an id of the source: it gets the entry's prefix
     also         other names of the column; the first that has a value counts
     required     a table without it stops the run
     descriptive  an unreadable value costs no row
     quoted       the name is a word of some engine's own, and stands in quotes (adapter.quote)
   A table's own `config.meta` has `also`, other names of the table, `required`, and for newest_loaded `key`, and `version`: its times, the most telling first,
   and what tells rows of one time apart.
   Besides stand source_name (of the entry), id_prefix, and source_error: the first column that could not be read. #}
{% macro loaded(connector, table) -%}
    {%- set relation = source(connector, table) -%}
    {%- for entry in entries_of(connector) %}
    {%- set found = loaded_table(entry, relation, table) if execute else {'relation': relation, 'columns': {}} %}
    select
        {%- for column in declared_columns(connector, table) %}
        {{ loaded_value(entry, column, found.columns) }} as {{ adapter.quote(column.name) if column.config.meta.get('quoted') else column.name }},
        {%- endfor %}
        {{ loaded_error(connector, table, found.columns) }} as source_error,
        cast('{{ entry.id_prefix }}' as {{ dbt.type_string() }}) as id_prefix,
        cast('{{ entry.name }}' as {{ dbt.type_string() }}) as source_name
    from {{ found.relation or '(select 1 as nothing) as not_landed where 1 = 0' }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}

{# The rows of a loader's table, of those with one key the newest: files may overlap, and loaders land a row again. A sum over `loaded` would count it
   twice. Rows without a key all stay. #}
{% macro newest_loaded(connector, table) -%}
    {%- set meta = declared_table(connector, table).config.meta if execute else {'key': ['source_name'], 'version': ['source_name']} -%}
    select * from (
        select
            *,
            row_number() over (
                partition by {{ meta.key | join(', ') }} order by {{ meta.version | join(' desc nulls last, ') }} desc nulls last
            ) as version_place
        from (
    {{ loaded(connector, table) }}
        ) as landed
    ) as versions
    where version_place = 1 or {{ meta.key | join(' is null or ') }} is null
{%- endmacro %}

{# Whether the loader says that a row was deleted in its source. #}
{% macro is_deleted_in_source(relation) -%}
    (coalesce({{ relation }}._fivetran_deleted, false) or {{ relation }}._ab_cdc_deleted_at is not null)
{%- endmacro %}

{# An id without the prefix of its entry. #}
{% macro without_prefix(id, id_prefix='id_prefix') -%}
    substring({{ id }}, length({{ id_prefix }}) + 1)
{%- endmacro %}

{# The latest of several moments, of which some may be null. (Of nulls `greatest` makes null on some engines.) #}
{% macro latest_of(moments) -%}
    greatest(
        {%- for moment in moments -%}
        coalesce({{ (moments[loop.index0:] + moments[:loop.index0]) | join(', ') }}){{ ', ' if not loop.last }}
        {%- endfor -%}
    )
{%- endmacro %}

{# The tables that a connector's sources declare, in its own project or in this one. #}
{% macro declared_tables(connector) %}
    {{ return(graph.sources.values() | selectattr('source_name', 'equalto', connector) | list) }}
{% endmacro %}

{% macro declared_table(connector, table) %}
    {{ return(declared_tables(connector) | selectattr('name', 'equalto', table) | first) }}
{% endmacro %}

{% macro declared_columns(connector, table) %}
    {{ return(declared_table(connector, table).columns.values() | list if execute else []) }}
{% endmacro %}

{# Where the rows of an entry's table are, and the names and types of its columns, {lower-case name: (name, type)}. #}
{% macro loaded_table(entry, relation, table) %}
    {% set declared = declared_table(entry.connector, table) %}
    {% if target.type == 'duckdb' and var('read_raw_files') %}
        {# expose_connector_files makes a view of all columns, in their types. #}
        {% set columns = {} %}
        {% for column in declared.columns.values() %}
            {% for name in [column.name] + column.config.meta.get('also', []) %}
                {% do columns.update({name: (name, none)}) %}
            {% endfor %}
        {% endfor %}
        {{ return({'relation': place_of(entry, declared, table), 'columns': columns}) }}
    {% endif %}
    {% for name in [table] + declared.config.meta.get('also', []) %}
        {% set place = place_of(entry, declared, name) %}
        {% set found = adapter.get_relation(place.database, place.schema, place.identifier) %}
        {% if found %}
            {% set columns = {} %}
            {% for column in adapter.get_columns_in_relation(found) %}
                {% do columns.update({column.name | lower: (column.name, column.data_type | lower)}) %}
            {% endfor %}
            {# `order` is a word of SQL. #}
            {{ return({'relation': found.quote(identifier=true), 'columns': columns}) }}
        {% endif %}
    {% endfor %}
    {{ return({'relation': none, 'columns': {}}) }}
{% endmacro %}

{# The place of a loader's table in the entry's database and schema. #}
{% macro place_of(entry, declared, name) %}
    {% set place = entry.get('places', {}).get(declared.name, {}) %}
    {{ return(api.Relation.create(
        database=place.database or entry.database or declared.database,
        schema=place.schema or entry.schema,
        identifier=place.identifier or table_prefix_of(entry, declared) ~ name
    )) }}
{% endmacro %}

{# What the names of a source's tables begin with: as the entry says, else as it is by default. #}
{% macro table_prefix_of(entry, declared) %}
    {{ return(entry.get('table_prefix', declared.config.meta.get('table_prefix', ''))) }}
{% endmacro %}

{# The value of a declared column: of the names that it may have, the first that has one. #}
{% macro loaded_value(entry, column, found) %}
    {% set values = [] %}
    {% for name in [column.name] + column.config.meta.get('also', []) if name in found %}
        {% set name, data_type = found[name] %}
        {% do values.append(value_in_type(adapter.quote(name), data_type, column.data_type)) %}
    {% endfor %}
    {% if not values %}
        {{ return('cast(null as ' ~ (raw_column_type(column.data_type) if column.data_type != 'nested' else dbt.type_string()) ~ ')') }}
    {% endif %}
    {% set value = values[0] if values | length == 1 else 'coalesce(' ~ values | join(', ') ~ ')' %}
    {% if column.config.meta.get('is_id') and entry.id_prefix %}
        {% set value = dbt.concat(["'" ~ entry.id_prefix ~ "'", value]) %}
    {% endif %}
    {{ return(value) }}
{% endmacro %}

{# The first column of which a value was delivered that cannot be read. #}
{% macro loaded_error(connector, table, found) %}
    {% set cases = [] %}
    {% for column in declared_columns(connector, table)
        if column.data_type not in ('text', 'nested') and not column.config.meta.get('descriptive') and unreadable_columns([column.name]) %}
        {% for name in [column.name] + column.config.meta.get('also', []) if name in found %}
            {% do cases.append('when ' ~ adapter.quote(name ~ '__unreadable') ~ " is not null then 'unreadable " ~ name ~ "'") %}
        {% endfor %}
    {% endfor %}
    {{ return('case ' ~ cases | join(' ') ~ ' end' if cases else 'cast(null as ' ~ dbt.type_string() ~ ')') }}
{% endmacro %}

{# A loader's value in a type of the contract. On DuckDB's views of files it has it already (data_type is none). #}
{% macro value_in_type(value, data_type, contract_type) %}
    {% if data_type is none or contract_type == 'nested' %}
        {{ return(value) }}
    {% endif %}
    {{ return(adapter.dispatch('value_in_type', 'ecommerce_segments')(value, data_type, contract_type)) }}
{% endmacro %}

{% macro default__value_in_type(value, data_type, contract_type) %}
    {# A number that stands for an id or a flag: 17.0 is 17. #}
    {% if contract_type in ('text', 'boolean') and modules.re.search('float|double|real|decimal|numeric|number', data_type) %}
        {% set value = "regexp_replace(cast(" ~ value ~ " as " ~ dbt.type_string() ~ "), '[.]0+$', '')" %}
    {% endif %}
    {% if contract_type == 'text' %}
        {{ return("nullif(trim(cast(" ~ value ~ " as " ~ dbt.type_string() ~ ")), '')") }}
    {% elif contract_type == 'boolean' and 'bool' not in data_type %}
        {{ return(
            "case when lower(cast(" ~ value ~ " as " ~ dbt.type_string() ~ ")) in ('true', 't', 'yes', '1') then true"
            ~ " when lower(cast(" ~ value ~ " as " ~ dbt.type_string() ~ ")) in ('false', 'f', 'no', '0') then false end"
        ) }}
    {% elif contract_type == 'timestamp' and ('with time zone' in data_type or data_type in ('timestamptz', 'timestamp_tz', 'timestamp_ltz')) %}
        {{ return(utc_of_zoned(value)) }}
    {% elif contract_type == 'timestamp' and modules.re.search('char|text|string', data_type) %}
        {{ return(utc_of_text(value)) }}
    {% endif %}
    {{ return('cast(' ~ value ~ ' as ' ~ raw_column_type(contract_type) ~ ')') }}
{% endmacro %}

{# A moment as text, such as 2026-05-11 09:55:16 -0400, as the contract's timestamp. A cast alone would leave out the offset. #}
{% macro utc_of_text(value) %}
    {{ return(adapter.dispatch('utc_of_text', 'ecommerce_segments')(value)) }}
{% endmacro %}

{% macro default__utc_of_text(value) %}
    {{ return(
        'case when ' ~ matches(value, ':[0-9.]+ ?([+-][0-9]{2}(:?[0-9]{2})?|Z|UTC)$')
        ~ ' then ' ~ utc_of_zoned('cast(' ~ value ~ ' as timestamp with time zone)')
        ~ ' else cast(' ~ value ~ ' as timestamp) end'
    ) }}
{% endmacro %}

{# A moment with a zone as the contract's timestamp, which is in UTC. #}
{% macro utc_of_zoned(value) %}
    {{ return(adapter.dispatch('utc_of_zoned', 'ecommerce_segments')(value)) }}
{% endmacro %}

{% macro default__utc_of_zoned(value) %}
    {{ return("(" ~ value ~ " at time zone 'UTC')") }}
{% endmacro %}
