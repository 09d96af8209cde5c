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

{# An amount per purchase, or per person: half up to 6 places. #}
{% macro average_amount(total, divisor) -%}
    {{ quotient(total, divisor, 6) }}
{%- endmacro %}
