{# One number of up to 6 decimals times another, exact: DuckDB gives two of 18 digits no more than 18. #}
{% macro exact_product(factor, other_factor) -%}
    cast({{ factor }} as {{ decimal_type(19, 6) }}) * cast({{ other_factor }} as {{ decimal_type(18, 6) }})
{%- endmacro %}

{# An amount of which a part is tax, as `tax` is of `taxable`, without it, to 6 places. Where nothing was paid, nothing is tax. #}
{% macro without_tax(amount, tax, taxable) -%}
    case
        when {{ tax }} > 0 and {{ taxable }} > 0
            then {{ quotient('cast(' ~ exact_product(amount, taxable ~ ' - ' ~ tax) ~ ' as ' ~ decimal_type(28, 6) ~ ')', taxable, 6) }}
        else {{ amount }}
    end
{%- endmacro %}

{# What Shopify says of a consent, in the contract's words: what was never answered, or holds no more, is none. #}
{% macro shopify_consent(state, former=none) -%}
    case
        when lower({{ state }}) in ('not_subscribed', 'pending', 'invalid', 'redacted') then 'never'
        {%- if former %}
        when {{ state }} is null and {{ former }} then 'subscribed'
        {%- endif %}
        else coalesce(lower({{ state }}), 'never')
    end
{%- endmacro %}
