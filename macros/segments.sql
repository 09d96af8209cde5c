{# The register: our segments, then those of a project that installs this one. #}
{% macro registered_segments() %}
    {{ return((var('segments') or []) + (var('own_segments') or [])) }}
{% endmacro %}

{# The ids of the registered segments whose files another project has. #}
{% macro segments_of_others() %}
    {% set names = registered_segments() | map(attribute='name') | list %}
    {% set ids = [] %}
    {% for id, node in graph.nodes.items() if node.resource_type == 'model' and node.package_name != 'ecommerce_segments' and node.name[:4] == 'seg_' %}
        {% if node.name[4:] in names %}
            {% do ids.append(id) %}
        {% endif %}
    {% endfor %}
    {{ return(ids) }}
{% endmacro %}

{# Runs after each segment file: names in one sentence what is wrong with it, before anything is built on it. #}
{% macro check_segment(segment, model_name) %}
    {% set customers = ref('customers') %}
    {% set marts = [ref('customer_categories'), customers] %}
    {# The folder's settings reach the mart `segments` too, by its name. #}
    {% if execute and model_name.startswith('seg_') %}
        {% set name = model_name[4:] %}
        {% set entry = registered_segments() | selectattr('name', 'equalto', name) | first %}
        {% set key = ['customer_id'] + ([entry.row_per] if entry.row_per else []) %}
        {% do check_segment_columns(segment, name, key + ['as_of_date'], marts) %}
        {% do check_segment_rows(segment, name, key, customers) %}
    {% endif %}
{% endmacro %}

{# Files of another project run no hook of ours: they are checked before the first model that reads them. #}
{% macro check_segments_of_others() %}
    {% set marts = [ref('customers'), ref('customer_categories')] %}
    {% if execute %}
        {% for id in segments_of_others() %}
            {% do check_segment(ref(graph.nodes[id].name), graph.nodes[id].name) %}
        {% endfor %}
    {% endif %}
{% endmacro %}

{# A segment shows columns of customers (or of the mart with several rows per customer that it filters), as they are there. #}
{% macro check_segment_columns(segment, name, needed, marts) %}
    {% set types = column_types(marts) %}
    {% set shown = adapter.get_columns_in_relation(segment) %}
    {% for column in needed if column not in shown | map(attribute='name') | map('lower') %}
        {% do exceptions.raise_compiler_error('The segment ' ~ name ~ ' does not show ' ~ column ~ ': add it to the select.') %}
    {% endfor %}
    {% for column in shown if types.get(column.name | lower) != column.data_type %}
        {% do exceptions.raise_compiler_error(
            'The segment ' ~ name ~ ' shows the column ' ~ column.name ~ (
                ' as ' ~ column.data_type ~ ', but in customers it is ' ~ types[column.name | lower] ~ ': show it as it is there.'
                if column.name | lower in types else
                ', which customers does not have: show columns of customers, and compute what is missing upstream.'
            )
        ) %}
    {% endfor %}
{% endmacro %}

{# {column: type} of these tables, names in lower case, whatever the engine makes of them. A run asks once: the graph, which its models share, keeps the answer. #}
{% macro column_types(tables) %}
    {% set answer = 'column_types ' ~ invocation_id %}
    {% if answer not in graph %}
        {% set types = {} %}
        {% for table in tables %}
            {% for column in adapter.get_columns_in_relation(table) %}
                {% do types.update({column.name | lower: column.data_type}) %}
            {% endfor %}
        {% endfor %}
        {% do graph.update({answer: types}) %}
    {% endif %}
    {{ return(graph[answer]) }}
{% endmacro %}

{% macro check_segment_rows(segment, name, key, customers) %}
    {% set found = counted_members(segment, key, customers) %}
    {% if found.doubled %}
        {% do exceptions.raise_compiler_error(
            'The segment ' ~ name ~ ' holds ' ~ found.doubled ~ ' of its ' ~ found.customers ~ ' customers more than once, for example '
            ~ found.a_doubled_one ~ ': filter to one row per customer, or name the column that tells the rows apart as row_per in the register.'
        ) %}
    {% elif found.unknown %}
        {% do exceptions.raise_compiler_error(
            'The segment ' ~ name ~ ' holds ' ~ found.unknown ~ ' customer_ids that customers does not know, for example '
            ~ found.an_unknown_one ~ ': select customer_id from customers as it is.'
        ) %}
    {% elif not found.rows and found.of_all %}
        {% do exceptions.warn('The segment ' ~ name ~ ' is empty.') %}
    {% endif %}
{% endmacro %}

{# How many rows and customers a table has by this key, and of which more than one row or no customer is there, with examples. #}
{% macro counted_members(table, key, customers) %}
    {% set found = run_query(
        'select count(*), count(distinct member.customer_id), '
        ~ 'sum(case when member.copies > 1 then 1 else 0 end), min(case when member.copies > 1 then member.customer_id end), '
        ~ 'sum(case when customers.customer_id is null then 1 else 0 end), min(case when customers.customer_id is null then member.customer_id end), '
        ~ '(select count(*) from ' ~ customers ~ ') '
        ~ 'from (select ' ~ key | join(', ') ~ ', count(*) as copies from ' ~ table ~ ' group by ' ~ key | join(', ') ~ ') as member '
        ~ 'left join ' ~ customers ~ ' as customers on member.customer_id = customers.customer_id'
    ).rows[0] %}
    {{ return({
        'rows': found[0], 'customers': found[1], 'doubled': found[2], 'a_doubled_one': found[3], 'unknown': found[4], 'an_unknown_one': found[5],
        'of_all': found[6],
    }) }}
{% endmacro %}

{# At the start of a build: a segment that the last build knew and the register names no more leaves no table behind. #}
{% macro drop_removed_segments() %}
    {% if execute and flags.WHICH in ['build', 'run'] %}
        {% set built = built_relation('segments') %}
        {% set registered = registered_segments() | map(attribute='name') | list %}
        {% for row in (run_query('select segment from ' ~ built).rows if built else []) if row[0] not in registered %}
            {% set removed = adapter.get_relation(built.database, built.schema, 'seg_' ~ row[0]) %}
            {# The file of another project may stay, as whatever it likes. #}
            {% if removed and 'seg_' ~ row[0] not in graph.nodes.values() | map(attribute='name') %}
                {% do log('The segment ' ~ row[0] ~ ' is registered no more: dropping ' ~ removed ~ '.', info=true) %}
                {% do adapter.drop_relation(removed) %}
            {% endif %}
        {% endfor %}
    {% endif %}
{% endmacro %}

{# Whether a text is the name of a segment. #}
{% macro is_registered_segment(name) -%}
    coalesce({{ name }} in ('{{ registered_segments() | map(attribute='name') | join("', '") }}'), false)
{%- endmacro %}
