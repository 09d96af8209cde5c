{# The registered traits: those of this project, and those of a project that installs it as a package. #}
{% macro registered_traits() %}
    {{ return((var('traits') or []) + (var('own_traits') or [])) }}
{% endmacro %}

{# The columns that registered traits and traits that come as data add to customers: name, data_type, description, and their SQL there. #}
{% macro registered_columns() %}
    {% set columns = [] %}
    {% for trait in registered_traits() %}
        {% set table = 'trait_' ~ trait.name %}
        {% for column in trait.get('columns') or [] %}
            {% do columns.append(registered_column(column, table, table ~ '.' ~ column.name)) %}
        {% endfor %}
    {% endfor %}
    {% for trait in var('custom_traits') or [] %}
        {% do columns.append(registered_column(trait, 'int_customer_custom_traits', 'int_customer_custom_traits.' ~ trait.name)) %}
    {% endfor %}
    {{ return(columns) }}
{% endmacro %}

{# A trait's own null is a value that nobody knows; `without` stands where the customer has no row at all. #}
{% macro registered_column(entry, table, value) %}
    {% set type = trait_type(entry.type) %}
    {% if entry.get('without') is not none %}
        {% set without = entry.without if entry.type in ['boolean', 'integer'] else text_literal(entry.without | string) %}
        {% set value = 'case when ' ~ table ~ '.customer_id is null then ' ~ 'cast(' ~ without ~ ' as ' ~ type ~ ') else ' ~ value ~ ' end' %}
    {% endif %}
    {{ return({
        'name': entry.name,
        'data_type': type,
        'description': entry.get('description'),
        'sql': 'cast(' ~ value ~ ' as ' ~ type ~ ') as ' ~ entry.name,
    }) }}
{% endmacro %}

{# The engine's type for one of the register, of which there are few: text, integer, number, date, boolean, and decimal(18,2) and the like. #}
{% macro trait_type(type) %}
    {% set decimal = modules.re.fullmatch('decimal\\(([0-9]+), ?([0-9]+)\\)', type | string) %}
    {{ return({
        'text': dbt.type_string(),
        'integer': 'bigint',
        'number': decimal_type(28, 6),
        'date': 'date',
        'boolean': 'boolean',
    }.get(type, decimal_type(decimal[1] | int, decimal[2] | int) if decimal)) }}
{% endmacro %}

{# Before customers is built: says in one sentence what is wrong with a registered trait, and tells the contract of its columns. #}
{% macro admit_traits(model) %}
    {% set customers = ref('int_customers') %}
    {% for trait in registered_traits() %}
        {% set table = ref('trait_' ~ trait.name) %}
        {% if execute %}
            {% do check_trait_columns(trait, adapter.get_columns_in_relation(table)) %}
            {% do check_trait_rows(trait, table, customers) %}
        {% endif %}
    {% endfor %}
    {% for column in registered_columns() if execute %}
        {% do model.columns.update({column.name: {
            'name': column.name, 'data_type': column.data_type, 'description': column.description, 'constraints': [],
        }}) %}
    {% endfor %}
{% endmacro %}

{# The file shows customer_id and what its entry names, and nothing else. #}
{% macro check_trait_columns(trait, shown) %}
    {% set types = {} %}
    {% for column in shown %}
        {# Snowflake calls whole numbers NUMBER, with no places. #}
        {% set is_whole = column.dtype | lower == 'number' and column.numeric_scale == 0 %}
        {% do types.update({column.name | lower: 'bigint' if is_whole else column.dtype}) %}
    {% endfor %}
    {% set named = trait.columns | map(attribute='name') | list %}
    {% for name in ['customer_id'] + named if name not in types %}
        {% do exceptions.raise_compiler_error('The trait ' ~ trait.name ~ ' does not show ' ~ name ~ ': add it to the select.') %}
    {% endfor %}
    {% for name in types if name not in ['customer_id'] + named %}
        {% do exceptions.raise_compiler_error(
            'The trait ' ~ trait.name ~ ' shows the column ' ~ name ~ ', which its entry does not name: describe it there, or leave it out of the select.'
        ) %}
    {% endfor %}
    {% for column in trait.columns if not is_of_type(types[column.name], column.type) %}
        {% do exceptions.raise_compiler_error(
            'The trait ' ~ trait.name ~ ' shows the column ' ~ column.name ~ ' as ' ~ types[column.name] ~ ', but its entry says ' ~ column.type
            ~ ': cast it in the select, or change the entry.'
        ) %}
    {% endfor %}
{% endmacro %}

{# Whether a column of an engine's type may become one of a registered type. Numbers of all widths may, but floating-point ones differ
   between engines, and are refused. #}
{% macro is_of_type(data_type, type) %}
    {% set whole = 'u?(tiny|small|big|huge)?int(eger|[0-9]+)?' %}
    {% set kinds = {'text': '(text|string|.*char.*)', 'integer': whole, 'date': 'date', 'boolean': 'bool(ean)?'} %}
    {{ return(modules.re.fullmatch(
        kinds.get(type, '(' ~ whole ~ '|(big)?(decimal|numeric|number).*)'), data_type | lower
    ) is not none) }}
{% endmacro %}

{% macro check_trait_rows(trait, table, customers) %}
    {% set found = counted_members(table, ['customer_id'], customers) %}
    {% if found.doubled %}
        {% do exceptions.raise_compiler_error(
            'The trait ' ~ trait.name ~ ' holds ' ~ found.doubled ~ ' of its ' ~ found.customers ~ ' customers more than once, for example '
            ~ found.a_doubled_one ~ ': group by customer_id.'
        ) %}
    {% elif found.unknown %}
        {% do exceptions.raise_compiler_error(
            'The trait ' ~ trait.name ~ ' holds ' ~ found.unknown ~ ' customer_ids that are no customers, for example ' ~ found.an_unknown_one
            ~ ': ask models of the folder intermediate, and leave out rows without customer_id.'
        ) %}
    {% endif %}
{% endmacro %}

{# At the start of a run: what is wrong with the entries, before anything is built on them. #}
{% macro check_traits_register() %}
    {% set names = registered_traits() | map(attribute='name') | list %}
    {% for node in graph.nodes.values() | sort(attribute='unique_id') if node.unique_id.startswith('model.ecommerce_segments.trait_') and node.name[6:] not in names %}
        {% do exceptions.raise_compiler_error(
            node.original_file_path ~ ' is not registered: add an entry with name ' ~ node.name[6:]
            ~ ' and its columns to the var `traits` in dbt_project.yml, or remove the file.'
        ) %}
    {% endfor %}
    {% set taken = graph.nodes['model.ecommerce_segments.customers'].columns.keys() | list %}
    {% for trait in registered_traits() %}
        {% if not trait.get('columns') %}
            {% do exceptions.raise_compiler_error('The trait ' ~ trait.name ~ ' has no columns: complete its entry in dbt_project.yml.') %}
        {% endif %}
        {% for column in trait.columns %}
            {% do check_trait_entry('column ' ~ column.get('name', loop.index) ~ ' of the trait ' ~ trait.name, column, taken) %}
        {% endfor %}
    {% endfor %}
    {% for trait in var('custom_traits') or [] %}
        {% do check_trait_entry('entry ' ~ trait.get('name', loop.index) ~ ' of custom_traits', trait, taken) %}
        {% if trait.get('without') is not none %}
            {% do exceptions.raise_compiler_error(
                'The entry ' ~ trait.name ~ ' of custom_traits names a value without a row, which only traits of a file have: take `without` away.'
            ) %}
        {% endif %}
        {% if trait.type not in ['text', 'number', 'date', 'boolean'] %}
            {% do exceptions.raise_compiler_error(
                'The entry ' ~ trait.name ~ ' of custom_traits has the type ' ~ trait.type ~ ', but must have text, number, date or boolean.'
            ) %}
        {% endif %}
    {% endfor %}
{% endmacro %}

{# taken: the columns that customers has already; this one is added. #}
{% macro check_trait_entry(told, entry, taken) %}
    {% for field in ['name', 'type', 'description'] if not entry.get(field) %}
        {% do exceptions.raise_compiler_error('The ' ~ told ~ ' has no ' ~ field ~ ': complete its entry.') %}
    {% endfor %}
    {% if not modules.re.fullmatch('[a-z][a-z0-9_]*', entry.name | string) %}
        {% do exceptions.raise_compiler_error('The ' ~ told ~ ' has no name for a column: take lower-case letters, digits and underscores.') %}
    {% endif %}
    {% if entry.name in taken %}
        {% do exceptions.raise_compiler_error('The ' ~ told ~ ' has the name of another column of customers: give it another one.') %}
    {% endif %}
    {% if not trait_type(entry.type) %}
        {% do exceptions.raise_compiler_error(
            'The ' ~ told ~ ' has the type ' ~ entry.type ~ ', but must have text, integer, number, date, boolean, or decimal(18,2) and the like.'
        ) %}
    {% endif %}
    {% do taken.append(entry.name) %}
{% endmacro %}
