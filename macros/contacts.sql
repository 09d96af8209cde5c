{# The form in which emails are compared: trimmed, lower case, and null where it is not x@y.z without spaces. #}
{% macro compared_email(email) -%}
    {%- set trimmed = without_outer_spaces(email) -%}
    case
        when {{ matches(trimmed, '^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:]]+$') }} then {{ lower_case(trimmed) }}
    end
{%- endmacro %}

{# Whether a phone is written in E.164: a plus and 8 to 15 digits. #}
{% macro is_e164(phone) -%}
    {{ matches(phone, '^[+][0-9]{8,15}$') }}
{%- endmacro %}
