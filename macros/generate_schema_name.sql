{# Here the layers stand in the schemas raw, staging, intermediate and marts, without the target's schema in front. dbt asks a package's macro
   for the package's models, whatever the project has that installs it: there that project's own macro decides, or else dbt's. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if project_name == 'ecommerce_segments' -%}
        {{ custom_schema_name or target.schema }}
    {%- else -%}
        {{ (context[project_name].generate_schema_name or dbt.generate_schema_name)(custom_schema_name, node) }}
    {%- endif -%}
{%- endmacro %}
