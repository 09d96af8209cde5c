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

{# DuckDB divides decimals as doubles, and 128 bits slowly: what fits into 64 is divided there. Up to 4 million, doubles hold the
   millionths exactly. #}
{% macro duckdb__quotient(dividend, divisor, places, digits) -%}
    {%- if places == 6 -%}
        {%- set millionths = 'cast(round(cast(' ~ dividend ~ ' as double) * 1000000) as bigint)' -%}
        {%- set divisor_millionths = 'cast(round(cast(' ~ divisor ~ ' as double) * 1000000) as bigint)' -%}
        case
            when abs({{ dividend }}) < 4000000 and {{ divisor }} >= 1 and {{ divisor }} < 4000000
                then cast(
                    cast(
                        sign({{ millionths }}) * ((2 * abs({{ millionths }}) * 1000000 + {{ divisor_millionths }}) // (2 * {{ divisor_millionths }}))
                        as double
                    ) / 1000000 as decimal({{ digits }}, 6)
                )
            else {{ wide_quotient(dividend, divisor, places, digits) }}
        end
    {%- else -%}
        {{ wide_quotient(dividend, divisor, places, digits) }}
    {%- endif -%}
{%- endmacro %}

{% macro wide_quotient(dividend, divisor, places, digits) -%}
    {%- set whole_dividend = 'cast(cast(' ~ dividend ~ ' as decimal(28, 6)) * 1000000 as hugeint)' -%}
    {%- set whole_divisor = 'cast(cast(' ~ divisor ~ ' as decimal(28, 6)) * 1000000 as hugeint)' -%}
    cast(
        cast(
            sign({{ whole_dividend }}) * (
                (2 * abs({{ whole_dividend }}) * {{ 10 ** places }} + {{ whole_divisor }}) // nullif(2 * {{ whole_divisor }}, 0)
            ) as decimal(28, 0)
        ) * {{ '0.' ~ '0' * (places - 1) ~ '1' }} as decimal({{ digits }}, {{ places }})
    )
{%- endmacro %}

{# Dividing what is left without the remainder needs no rounding. 38 digits are all there are: the casts keep each product in them. #}
{% macro spark__quotient(dividend, divisor, places, digits) -%}
    {%- set whole_dividend = 'cast(cast(' ~ dividend ~ ' as decimal(28, 6)) * 1000000 as decimal(28, 0))' -%}
    {%- set whole_divisor = 'cast(cast(' ~ divisor ~ ' as decimal(28, 6)) * 1000000 as decimal(28, 0))' -%}
    {%- set numerator = 'cast(2 * abs(' ~ whole_dividend ~ ') * ' ~ 10 ** places ~ ' + ' ~ whole_divisor ~ ' as decimal(38, 0))' -%}
    {%- set denominator = 'nullif(2 * ' ~ whole_divisor ~ ', 0)' -%}
    cast(
        case when {{ whole_dividend }} < 0 then -1 else 1 end
        * cast((({{ numerator }}) - ({{ numerator }}) % ({{ denominator }})) / ({{ denominator }}) as decimal(28, 0))
        * {{ '0.' ~ '0' * (places - 1) ~ '1' }} as decimal({{ digits }}, {{ places }})
    )
{%- endmacro %}
