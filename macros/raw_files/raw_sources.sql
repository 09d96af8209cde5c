{# The tables of the raw contract, as dbt knows them: their columns, and where they are. The project that installs this one may have a source
   `raw` too. #}
{% macro raw_sources() %}
    {{ return(
        graph.sources.values() | selectattr('source_name', 'equalto', 'raw') | selectattr('package_name', 'equalto', 'ecommerce_segments') | list
    ) }}
{% endmacro %}

{# A raw table as models read it: what the enabled connectors bring and what the shop hands over itself. #}
{% macro raw_table(name) %}
    {{ return(ref('connected_' ~ name) if connectors_of(name) else own_raw_table(name)) }}
{% endmacro %}

{# What the shop hands over in the contract's own form: the source, or the model that the var `raw_tables` names in its place. #}
{% macro own_raw_table(name) %}
    {% set model = var('raw_tables').get(name, {}).get('model') %}
    {{ return(ref(model) if model else source('raw', name)) }}
{% endmacro %}

{# The schemas that hold raw tables, as relations without a table. #}
{% macro raw_schemas() %}
    {% set schemas = {} %}
    {% for table in raw_sources() %}
        {% do schemas.update({(table.database, table.schema): api.Relation.create(database=table.database, schema=table.schema)}) %}
    {% endfor %}
    {{ return(schemas.values() | list) }}
{% endmacro %}
