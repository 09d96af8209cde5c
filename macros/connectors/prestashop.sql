{# The moment (UTC) of one of PrestaShop's times, which are what the shop's clocks showed: those of the entry's `timezone`, else of shop_timezone. #}
{% macro prestashop_moment(column, source_name) -%}
    {%- set entries = entries_of('prestashop') -%}
    {%- if entries | length == 1 -%}
        {{ utc_of_clock_time(column, entries[0].timezone or var('shop_timezone')) }}
    {%- else -%}
        case
            {%- for entry in entries %}
            when {{ source_name }} = '{{ entry.name }}' then {{ utc_of_clock_time(column, entry.timezone or var('shop_timezone')) }}
            {%- endfor %}
        end
    {%- endif -%}
{%- endmacro %}

{# Whether an order state is one of those that the entry's option lists. #}
{% macro prestashop_state_is_of(option, default_states, state, source_name) -%}
    (
        {%- for entry in entries_of('prestashop') -%}
        {%- set states = [] -%}
        {%- for id in entry.get(option, default_states) -%}
            {%- do states.append("'" ~ entry.id_prefix ~ id ~ "'") -%}
        {%- endfor -%}
        {{ source_name }} = '{{ entry.name }}' and {{ state }} in ({{ states | join(', ') or "''" }})
        {{- ' or ' if not loop.last -}}
        {%- endfor -%}
    )
{%- endmacro %}

{# The names of a thing in the language that the entry's `language` (an id_lang) names, else in the first; of several shops', the first one's. #}
{% macro prestashop_names(table, id) -%}
    select
        {{ id }},
        name,
        row_number() over (
            partition by {{ id }}
            order by
                case when cast(id_lang as {{ dbt.type_string() }}) = {{ option_by_entry('prestashop', 'language') }} then 0 else 1 end,
                id_lang,
                id_shop,
                {{ binary_collation('name') }}
        ) as place
    from {{ table }}
    where name is not null
{%- endmacro %}

{# An id, where it is one: 0 stands for none. #}
{% macro prestashop_known_id(id, id_prefix) -%}
    case when {{ without_prefix(id, id_prefix) }} <> '0' then {{ id }} end
{%- endmacro %}

{# The product of the contract: the combination where there is one, else the product. #}
{% macro prestashop_product_id(id_product, id_product_attribute) -%}
    case
        when coalesce({{ id_product_attribute }}, '0') = '0' then {{ id_product }}
        else {{ id_product }} || '-' || {{ id_product_attribute }}
    end
{%- endmacro %}

{# Whether an account is the one to which the official module for data protection hands the orders of customers whom it erased. #}
{% macro prestashop_is_anonymous(email) -%}
    coalesce(lower({{ email }}) in ('anonymous@psgdpr.com', 'anonymous@anonymous.com'), false)
{%- endmacro %}

{# What falls to a part of an order of an amount that all of it shares, to 6 places. #}
{% macro prestashop_share(amount, part, whole) -%}
    coalesce(cast(round({{ amount }} * {{ quotient(part, whole, 12) }}, 6) as {{ decimal_type(28, 6) }}), 0)
{%- endmacro %}
