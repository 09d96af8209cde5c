{# One number of up to 6 decimals divided by another that is not negative, exact in decimals, half up (away from zero) to so many
   places of so many digits; null where the divisor is 0. Doubles would differ between engines, and split what is equal. #}
{% macro quotient(dividend, divisor, places, digits=18) -%}
    {{ adapter.dispatch('quotient', 'ecommerce_segments')(dividend, divisor, places, digits) }}
{%- endmacro %}

{# Quotients are rounded to 16 digits, before the point ones too, so this one counts in whole units of the last place. #}
{% macro default__quotient(dividend, divisor, places, digits) -%}
    {%- set dividend = 'cast(' ~ dividend ~ ' as numeric)' -%}
    {%- set divisor = 'cast(' ~ divisor ~ ' as numeric)' -%}
    cast(
        sign({{ dividend }}) * div(2 * abs({{ dividend }}) * {{ 10 ** places }} + {{ divisor }}, nullif(2 * {{ divisor }}, 0))
        * {{ '0.' ~ '0' * (places - 1) ~ '1' }} as decimal({{ digits }}, {{ places }})
    )
{%- endmacro %}

{# By division of whole numbers alone: Snowflake and Redshift round quotients early. #}
{% macro quotient_without_remainder(dividend, divisor, places, digits) -%}
    {%- set whole_dividend = 'cast(cast(' ~ dividend ~ ' as decimal(28, 6)) * 1000000 as decimal(28, 0))' -%}
    {%- set whole_divisor = 'cast(cast(' ~ divisor ~ ' as decimal(28, 6)) * 1000000 as decimal(28, 0))' -%}
    {%- set numerator = 'cast(2 * abs(' ~ whole_dividend ~ ') * ' ~ 10 ** places ~ ' + ' ~ whole_divisor ~ ' as decimal(38, 0))' -%}
    {%- set denominator = 'cast(nullif(2 * ' ~ whole_divisor ~ ', 0) as decimal(29, 0))' -%}
    cast(
        case when {{ whole_dividend }} < 0 then -1 else 1 end
        * cast(({{ numerator }} - mod({{ numerator }}, {{ denominator }})) / {{ denominator }} as decimal(28, 0))
        * {{ '0.' ~ '0' * (places - 1) ~ '1' }} as decimal({{ digits }}, {{ places }})
    )
{%- endmacro %}
