{# Connectors bring the tables of a shop's own systems into the raw contract (docs/connectors.md). The models of a connector are called
   <connector>__<raw table>, and are enabled where the var `connectors` has an entry of it. #}

{# The entries of the var `connectors` in their order, each with name, connector, tables, schema, id_prefix, and what else it says. An entry
   is called after its connector, or names it: {shopify_us: {connector: shopify}}. #}
{% macro connectors() %}
    {% set given = var('connectors') or {} %}
    {# One name, or several with commas, where only text can be given. #}
    {% set given = given.split(',') | map('trim') | list if given is string else given %}
    {% set entries = [] %}
    {% for name in given %}
        {% set entry = {'name': name, 'connector': name, 'schema': name} %}
        {% do entry.update((given[name] or {}) if given is mapping else {}) %}
        {% set tables = entry.tables or tables_fed_by(entry) %}
        {% if not tables %}
            {% do exceptions.raise_compiler_error(
                "connectors names '" ~ name ~ "', which is no connector" ~ did_you_mean(name, var('connector_tables').keys() | list)
                ~ ' An entry of another name says which it is of (connector), and one of your own which tables it feeds (tables).'
            ) %}
        {% endif %}
        {# Ids of one source stay as they are; those of further ones of its kind might be the same. #}
        {% set is_further = entries | selectattr('connector', 'equalto', entry.connector) | list
            or ('orders' in tables and entries | selectattr('feeds_orders') | list) %}
        {% do entry.update({
            'tables': tables,
            'feeds_orders': 'orders' in tables,
            'measures_visits': 'sessions' in tables and 'orders' not in tables,
            'id_prefix': entry.id_prefix if entry.id_prefix is defined else name ~ ':' if is_further else '',
        }) %}
        {% do entries.append(entry) %}
    {% endfor %}
    {# Carts and checkouts of a shop system stand for visits only where nothing measures these, and what an email tool sees of them only where no
       other connector does. #}
    {% for entry in entries if 'sessions' in entry.tables %}
        {% set measured = entries | rejectattr('connector', 'equalto', entry.connector) | selectattr('measures_visits') | list %}
        {% if measured and (not entry.measures_visits or 'email_events' in entry.tables) %}
            {% do entry.update({'tables': entry.tables | reject('in', ['sessions', 'web_events']) | list}) %}
        {% endif %}
    {% endfor %}
    {{ return(entries) }}
{% endmacro %}

{# What an entry's connector feeds: a table named with an option, {customers: profiles}, only where the entry says so. #}
{% macro tables_fed_by(entry) %}
    {% set tables = [] %}
    {% for table in var('connector_tables').get(entry.connector, []) %}
        {% if table is string %}
            {% do tables.append(table) %}
        {% else %}
            {% for name, option in table.items() if entry.get(option) %}
                {% do tables.append(name) %}
            {% endfor %}
        {% endif %}
    {% endfor %}
    {{ return(tables) }}
{% endmacro %}

{# The enabled entries of one connector. #}
{% macro entries_of(connector) %}
    {{ return(connectors() | selectattr('connector', 'equalto', connector) | list) }}
{% endmacro %}

{% macro is_connected(connector) %}
    {{ return(entries_of(connector) != []) }}
{% endmacro %}

{# The names of the enabled connectors that feed a table. #}
{% macro connectors_of(table) %}
    {% set names = [] %}
    {% for entry in connectors() if table in entry.tables and entry.connector not in names %}
        {% do names.append(entry.connector) %}
    {% endfor %}
    {{ return(names) }}
{% endmacro %}

{# A raw table, fed by connectors: their rows, and those that the shop hands over in the contract's own form. `source_error` says what a connector could
   not read of a row. #}
{% macro connected(table) -%}
    {%- set raw = raw_contract(table) -%}
    {%- set columns = raw.columns + ['loaded_at'] -%}
    {%- set typed = unreadable_columns(raw.castable + raw.descriptive) -%}
    {%- for connector in connectors_of(table) %}
    select
        {{ columns | join(',\n        ') }},
        {%- for column in typed %}
        cast(null as {{ dbt.type_string() }}) as {{ column }},
        {%- endfor %}
        source_error
    from {{ ref(connector ~ '__' ~ table) }}
    union all
    {%- endfor %}
    select
        {{ (columns + typed) | join(',\n        ') }},
        cast(null as {{ dbt.type_string() }}) as source_error
    from {{ own_raw_table(table) }}
{%- endmacro %}

{# The columns of the raw contract that a connector's source cannot tell, as nulls. #}
{% macro cannot_tell(table, columns) -%}
    {%- for column in columns -%}
    cast(null as {{ type_in_contract(table, column) }}) as {{ column }}{{ ',\n    ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# The engine's type of a column of the raw contract. #}
{% macro type_in_contract(table, column) %}
    {% if execute %}
        {{ return(raw_column_type(graph.sources['source.ecommerce_segments.raw.' ~ table].columns[column].data_type)) }}
    {% endif %}
{% endmacro %}

{# What the entries of a connector say of an option, as an expression over the entry of a row: null where an entry says nothing. #}
{% macro option_by_entry(connector, option, source_name='source_name') -%}
    {%- set cases = [] -%}
    {%- for entry in entries_of(connector) if entry.get(option) is not none -%}
        {%- do cases.append('when ' ~ source_name ~ " = '" ~ entry.name ~ "' then '" ~ entry[option] ~ "'") -%}
    {%- endfor -%}
    {{ 'case ' ~ cases | join(' ') ~ ' end' if cases else 'cast(null as ' ~ dbt.type_string() ~ ')' }}
{%- endmacro %}
