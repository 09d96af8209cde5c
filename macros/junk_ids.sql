{# Whether an id is none of the words that stand for no id. #}
{% macro is_no_junk(id) -%}
    {%- set words = [] -%}
    {%- for word in var('junk_ids') -%}
        {%- do words.append(text_literal(word | string | lower)) -%}
    {%- endfor -%}
    {{ lower_case(id) ~ ' not in (' ~ words | join(', ') ~ ')' if words else 'true' }}
{%- endmacro %}
