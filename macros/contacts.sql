{# The form in which emails are compared: trimmed, lower case, and null where it is not x@y.z without spaces. #}
{% macro compared_email(email) -%}
    case
        when {{ matches('lower(trim(' ~ email ~ '))', '^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:]]+$') }}
            then lower(trim({{ email }}))
    end
{%- endmacro %}

{# Whether a phone is written in E.164: a plus and 8 to 15 digits. #}
{% macro is_e164(phone) -%}
    {{ matches(phone, '^[+][0-9]{8,15}$') }}
{%- endmacro %}
