{# The gross margin of several purchases, in decimals, from three sums over them: their net revenue, and the net revenue and
   gross margin of those with a known cost (the costed ones). Null where the cost of less than `min_known_cost_share` of the
   net revenue is known; above it, the rest is taken to earn what the costed purchases do. #}
{% macro group_margin(net_revenue, costed_net_revenue, costed_gross_margin) -%}
    cast(round(
        case
            when {{ costed_net_revenue }} = {{ net_revenue }} then {{ costed_gross_margin }}
            when {{ costed_net_revenue }} > 0 and {{ costed_net_revenue }} >= {{ var('min_known_cost_share') }} * {{ net_revenue }}
                then
                    {{ costed_gross_margin }}
                    + {{ quotient(costed_gross_margin, costed_net_revenue, 8) }} * ({{ net_revenue }} - {{ costed_net_revenue }})
        end, 6
    ) as {{ decimal_type(28, 6) }})
{%- endmacro %}

{# What the shop earns of the purchases of known cost, nobody's among them, as `margin_rate`: an estimate of what it earns of the others. #}
{% macro shop_margin_rate() -%}
    select {{ quotient('sum(gross_margin)', 'sum(net_revenue)', 8, digits=28) }} as margin_rate
    from {{ ref('int_purchases') }}
    where gross_margin is not null
{%- endmacro %}

{# The gross margin of several purchases where those of unknown cost are taken to earn what the shop does: null where that is not
   known, and needed. #}
{% macro estimated_margin(net_revenue, costed_net_revenue, costed_gross_margin, margin_rate) -%}
    case
        when {{ costed_net_revenue }} = {{ net_revenue }} then cast({{ costed_gross_margin }} as {{ decimal_type(28, 6) }})
        else cast(
            round({{ costed_gross_margin }} + ({{ net_revenue }} - {{ costed_net_revenue }}) * {{ margin_rate }}, 6)
            as {{ decimal_type(28, 6) }}
        )
    end
{%- endmacro %}

{# Whether a row of int_exchange_rates holds on a date: from its own to the day before the next one's. #}
{% macro rate_holds_on(date, rates='rates') -%}
    {{ date }} >= {{ rates }}.rated_on
    and ({{ date }} < {{ rates }}.next_rated_on or {{ rates }}.next_rated_on is null)
{%- endmacro %}

{# What a row of stg_marketing_spend costs in the reporting currency, with the row of int_exchange_rates that holds on its date. #}
{% macro converted_spend(spend_rows='spend_rows', rates='rates') -%}
    {{ spend_rows }}.amount * case when {{ spend_rows }}.currency = '{{ var("reporting_currency") }}' then 1 else {{ rates }}.rate end
{%- endmacro %}

{# What a purchase makes of its buyer: new in the calendar month of the first purchase, returning after it. #}
{% macro buyer_type(purchased_on, first_purchased_on) -%}
    case when {{ month_of(purchased_on) }} = {{ month_of(first_purchased_on) }} then 'new' else 'returning' end
{%- endmacro %}

{# The order of sales that overlap: the first is the one that a date belongs to. #}
{% macro newest_sale_first(sales) -%}
    {{ sales }}.starts_on desc, {{ sales }}.ends_on desc nulls last, {{ binary_collation(sales ~ '.sale_campaign_id') }} desc
{%- endmacro %}

{# The name of a channel among the totals `all` and `paid`: one that the shop itself calls so is no total. #}
{% macro real_channel(channel) -%}
    case when {{ channel }} in ('all', 'paid') then {{ channel }} || ' (channel)' else {{ channel }} end
{%- endmacro %}

{# An amount per purchase, or per person: half up to 6 places. #}
{% macro average_amount(total, divisor) -%}
    {{ quotient(total, divisor, 6) }}
{%- endmacro %}

{# quantity x price, exactly, as two numbers: up to 6 places, and what lies beyond, which a whole quantity never has. A product of
   12 places is 128 bits wide, and DuckDB needs microseconds to round each of them: a fifth of a build. #}
{% macro product_to_6_places(quantity, price, digits=28) -%}
    case
        when {{ has_6_places_at_most(quantity, price) }}
            then cast(cast({{ quantity }} as bigint) * {{ price }} as {{ decimal_type(digits, 6) }})
        else {{ product_rounded_down(quantity, price, digits) }}
    end
{%- endmacro %}

{% macro product_beyond_6_places(quantity, price) -%}
    case
        when {{ has_6_places_at_most(quantity, price) }} then 0
        else cast(
            cast({{ quantity }} as {{ decimal_type(19, 6) }}) * {{ price }} - {{ product_rounded_down(quantity, price, 28) }}
            as {{ decimal_type(18, 12) }}
        )
    end
{%- endmacro %}

{# Rounding down takes no 0: what is free would come out below it. #}
{% macro has_6_places_at_most(quantity, price) -%}
    {{ quantity }} = floor({{ quantity }}) or {{ price }} = 0
{%- endmacro %}

{# Rounded down, as a product below 10^12 must stay below it. #}
{% macro product_rounded_down(quantity, price, digits) -%}
    cast(
        cast({{ quantity }} as {{ decimal_type(19, 6) }}) * {{ price }} - cast(0.0000005 as {{ decimal_type(7, 7) }}) as {{ decimal_type(digits, 6) }}
    )
{%- endmacro %}

{# An amount of up to 6 places in the reporting currency: most need no conversion. #}
{% macro converted(amount, rate) -%}
    case when {{ rate }} = 1 then cast({{ amount }} as {{ decimal_type(28, 6) }}) else cast({{ amount }} * {{ rate }} as {{ decimal_type(28, 6) }}) end
{%- endmacro %}

{# A part's share of an amount in whole cents, rounded down, at most the part itself: right to a cent or so. #}
{% macro estimated_share(shared, part, whole) -%}
    floor(least(
        100 * cast({{ shared }} as {{ double_type() }}) * cast({{ part }} as {{ double_type() }})
        / greatest(cast({{ whole }} as {{ double_type() }}), 0.000001),
        100 * cast({{ part }} as {{ double_type() }})
    ))
{%- endmacro %}

{# Whether share x whole is at least shared x part, exactly. What part and whole have beyond 6 places is on the other side, so that
   38 digits hold both; the decimals are wider than 18 digits, as DuckDB multiplies those in 64 bits. #}
{% macro is_product_at_least(share, whole, whole_remainder, shared, part, part_remainder) -%}
    {%- set limit = 'cast(1000000000000 as ' ~ decimal_type(38, 12) ~ ')' -%}
    cast(
        least(greatest(
            cast({{ share }} * {{ whole }} as {{ decimal_type(38, 12) }}) - cast({{ shared }} * {{ part }} as {{ decimal_type(38, 12) }}),
            -{{ limit }}
        ), {{ limit }}) as {{ decimal_type(38, 18) }}
    ) >= cast({{ shared }} * {{ part_remainder }} as {{ decimal_type(38, 18) }})
    - cast({{ share }} * {{ whole_remainder }} as {{ decimal_type(38, 18) }})
{%- endmacro %}
