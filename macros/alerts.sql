{# {segment: hash of its file}, of ours and of those of a project that installs this one. Known once dbt runs. #}
{% macro segment_formulas() %}
    {% set formulas = {} %}
    {% if execute %}
        {% set names = registered_segments() | map(attribute='name') | list %}
        {% for node in graph.nodes.values() if node.resource_type == 'model' and node.name[:4] == 'seg_' and node.name[4:] in names %}
            {% do formulas.update({node.name[4:]: local_md5(node.raw_code)}) %}
        {% endfor %}
    {% endif %}
    {{ return(formulas) }}
{% endmacro %}

{# A sentence of texts, numbers and dates. #}
{% macro alert_text(parts) -%}
    {%- set texts = [] -%}
    {%- for part in parts -%}
        {%- do texts.append(part if part[:1] == "'" else 'cast(' ~ part | trim ~ ' as ' ~ dbt.type_string() ~ ')') -%}
    {%- endfor -%}
    {{ dbt.concat(texts) }}
{%- endmacro %}

{# A number without its places, and a share as a percentage with one place, as people read them. #}
{% macro whole(number) -%}
    cast({{ number }} as bigint)
{%- endmacro %}

{% macro percent(share) -%}
    {{ dbt.concat(['cast(cast(100 * ' ~ share ~ ' as ' ~ decimal_type(9, 1) ~ ') as ' ~ dbt.type_string() ~ ')', "' %'"]) }}
{%- endmacro %}
