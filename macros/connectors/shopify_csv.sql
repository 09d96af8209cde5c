{# 1 for the rows of the file with the latest name that holds their key. Names count from the export's own on, wherever the file or a copy of it
   stands, and without what ends them, as the first download has the plain name; numbers count as numbers. #}
{% macro file_rank(key) -%}
    {%- set path = replaced_matches('lower(source_file)', '^.*/((orders|customers|products)_export)', group_reference(1)) -%}
    {%- set stem = replaced_matches(path, '([.][a-z]+)+$', '') -%}
    {%- set padded = replaced_matches(stem, '([0-9]+)', '0' * 20 ~ group_reference(1)) -%}
    {%- set name = replaced_matches(padded, '[0-9]*([0-9]{20})', group_reference(1)) -%}
    dense_rank() over (partition by source_name, {{ key }} order by {{ binary_collation("coalesce(" ~ name ~ ", '')") }} desc)
{%- endmacro %}

{# A text in which all that matches a pattern is replaced. #}
{% macro replaced_matches(text, pattern, replacement) -%}
    {{ adapter.dispatch('replaced_matches', 'ecommerce_segments')(text, pattern, replacement) }}
{%- endmacro %}

{% macro default__replaced_matches(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}

{# What a group of a pattern found, in a replacement. #}
{% macro group_reference(number) -%}
    {{ adapter.dispatch('group_reference', 'ecommerce_segments')(number) }}
{%- endmacro %}

{% macro default__group_reference(number) -%}
    \{{ number }}
{%- endmacro %}

{# An id, zip or phone without the apostrophe that keeps spreadsheets from taking it for a number. #}
{% macro without_apostrophe(text) -%}
    nullif({{ trimmed_of(text, "'") }}, '')
{%- endmacro %}

{# The id of a variant in the contract: its SKU, else its name. #}
{% macro id_of_variant(sku, name) -%}
    {{ dbt.concat(['id_prefix', 'coalesce(' ~ without_apostrophe(sku) ~ ', ' ~ name ~ ')']) }}
{%- endmacro %}

{# Whether the name of an item is that of a gift card, by its entry's `gift_card_names`, a regular expression. #}
{% macro has_name_of_gift_card(item_name) -%}
    (
        {%- for entry in entries_of('shopify_csv') %}
        {{ 'or ' if not loop.first }}(source_name = '{{ entry.name }}' and {{ matches(lower_case(item_name), (entry.gift_card_names or 'gift ?card') | lower) }})
        {%- endfor %}
    )
{%- endmacro %}

{# An amount of an order without the tax in it, to 6 places: taxes_in_prices and taxed_amount are the order's. #}
{% macro net_of_tax(amount) -%}
    cast(
        case
            when taxes_in_prices = 0 then {{ amount }}
            else {{ quotient('cast(' ~ amount ~ ' as ' ~ decimal_type(19, 6) ~ ') * (taxed_amount - taxes_in_prices)', 'taxed_amount', 6) }}
        end as {{ decimal_type(18, 6) }}
    )
{%- endmacro %}

{# The contract's answer of a consent. The export knows no refusals: `no` is one that was never given. #}
{% macro answer_of_consent(answer) -%}
    case lower({{ answer }}) when 'yes' then 'subscribed' when 'no' then 'never' else {{ answer }} end
{%- endmacro %}
