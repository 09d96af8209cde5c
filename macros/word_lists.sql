{# Whether a text is one of the words of a var, in any case. #}
{% macro is_listed(text, words) -%}
    {%- set literals = [] -%}
    {%- for word in words -%}
        {%- do literals.append(text_literal(word | string | lower)) -%}
    {%- endfor -%}
    {{ lower_case(text) ~ ' in (' ~ literals | join(', ') ~ ')' if literals else 'false' }}
{%- endmacro %}

{# Whether an id is none of the words that stand for no id. #}
{% macro is_no_junk(id) -%}
    not {{ is_listed(id, var('junk_ids')) }}
{%- endmacro %}
