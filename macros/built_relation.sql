{# The table of a model as the last build left it, or none. #}
{% macro built_relation(name) %}
    {% set model = graph.nodes['model.ecommerce_segments.' ~ name] %}
    {{ return(adapter.get_relation(model.database, model.schema, model.alias)) }}
{% endmacro %}
