{# How this project calls its schemas; models of packages follow it. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ target.schema }}{{ '_crm_' ~ custom_schema_name if custom_schema_name }}
{%- endmacro %}
