{# What the YAML says of the marts, for readers of the warehouse: as comments of tables and columns. dbt's own persist_docs writes those of
   the marts; a segment that is new has no YAML yet, and published tables are copies. #}

{# {description, columns: {name: {description}}} of a mart or a table of estimates, or of neither. A segment's description is in the
   register, and its columns are those of customers. #}
{% macro description_of(name) %}
    {% set nodes = graph.nodes %}
    {% if name.startswith('seg_') %}
        {% set entry = registered_segments() | selectattr('name', 'equalto', name[4:]) | first %}
        {% set columns = {} %}
        {% do columns.update(nodes['model.ecommerce_segments.customer_categories'].columns) %}
        {% do columns.update(columns_of_customers()) %}
        {{ return({
            'description': 'One row per customer' ~ (' and ' ~ entry.row_per if entry.row_per else '') ~ ' in the segment. ' ~ entry.definition,
            'columns': columns
        }) }}
    {% endif %}
    {% if name == 'customers' %}
        {{ return({'description': nodes['model.ecommerce_segments.customers'].description, 'columns': columns_of_customers()}) }}
    {% endif %}
    {{ return(
        nodes.get('model.ecommerce_segments.' ~ name)
        or graph.sources.get('source.ecommerce_segments.estimates.' ~ name)
        or {'description': '', 'columns': {}}
    ) }}
{% endmacro %}

{# The columns of customers that YAML describes, and those of registered traits. #}
{% macro columns_of_customers() %}
    {% set columns = {} %}
    {% do columns.update(graph.nodes['model.ecommerce_segments.customers'].columns) %}
    {% for column in registered_columns() %}
        {% do columns.update({column.name: column}) %}
    {% endfor %}
    {{ return(columns) }}
{% endmacro %}

{# At the end of a run: describes what dbt's persist_docs does not. #}
{% macro describe_built(results) %}
    {% if execute and flags.WHICH in ['build', 'run'] %}
        {% set marts = [] %}
        {% set segments = segments_of_others() %}
        {% for result in results if result.status == 'success' and (
            (result.node.unique_id.startswith('model.ecommerce_segments.') and result.node.fqn[1] == 'marts') or result.node.unique_id in segments
        ) %}
            {% do marts.append({'name': result.node.name, 'has_yaml': result.node.description, 'relation': api.Relation.create(
                database=result.node.database, schema=result.node.schema, identifier=result.node.alias,
                type='view' if result.node.config.materialized == 'view' else 'table'
            )}) %}
        {% endfor %}
        {% if marts %}
            {% do adapter.dispatch('describe_marts', 'ecommerce_segments')(marts) %}
        {% endif %}
    {% endif %}
{% endmacro %}

{% macro default__describe_marts(marts) %}
    {% for mart in marts if mart.name.startswith('seg_') and not mart.has_yaml %}
        {% do describe(mart.relation, mart.name) %}
    {% endfor %}
{% endmacro %}

{# Writes the comments of a table, or of a view. Its type is known. #}
{% macro describe(table, name) %}
    {% set told = description_of(name) %}
    {% set columns = {} %}
    {% for column in adapter.get_columns_in_relation(table) if column.name | lower in told.columns %}
        {% do columns.update({column.name: told.columns[column.name | lower]}) %}
    {% endfor %}
    {% if told.description %}
        {% do adapter.dispatch('describe_table', 'ecommerce_segments')(table, told.description, columns) %}
    {% endif %}
{% endmacro %}

{% macro default__describe_table(table, description, columns) %}
    {% do run_at_once(alter_relation_comment(table, description)) %}
    {% if columns %}
        {% do run_at_once(alter_column_comment(table, columns)) %}
    {% endif %}
{% endmacro %}
