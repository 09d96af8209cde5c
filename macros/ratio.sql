{# A part of a whole to 8 places, half up; null where the whole is 0. Counted in whole steps of 1e-8: a quotient in doubles would
   round some ties down, on one engine and not on the other. #}
{% macro ratio(part, whole) -%}
    case
        when {{ whole }} > 0
            then cast(floor((200000000.0 * {{ part }} + {{ whole }}) / (2 * {{ whole }})) * 0.00000001 as decimal(18, 8))
    end
{%- endmacro %}
