{# The table of a model as the last build left it, or none. #}
{% macro built_relation(name) %}
    {% set model = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | selectattr('name', 'equalto', name) | first %}
    {{ return(adapter.get_relation(model.database, model.schema, model.alias)) }}
{% endmacro %}
