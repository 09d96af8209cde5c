{# The rows of a WooCommerce table that are still in the shop's database. Where one may be deleted there, see is_deleted_in_source. #}
{% macro woocommerce_rows(table) -%}
    select * from (
    {{ loaded('woocommerce', table) }}
    ) as delivered
    where not {{ is_deleted_in_source('delivered') }}
{%- endmacro %}

{# A table of further values as one row per object, with a column per key. Of several values of a key the first
   counts, as in WordPress. #}
{% macro woocommerce_meta(table, object_id, keys) -%}
    select
        {{ object_id }},
        {%- for key in keys %}
        max(case when meta_key = '{{ key }}' then meta_value end) as {{ woocommerce_column(key) }},
        {%- endfor %}
        max(_fivetran_synced) as loaded_at
    from (
        select
            *,
            row_number() over (partition by {{ object_id }}, meta_key order by meta_id, _fivetran_synced desc nulls last, {{ binary_collation('meta_value') }}) as place
        from ({{ woocommerce_rows(table) }}) as existing
        where meta_key in ('{{ keys | join("', '") }}')
    ) as numbered
    where place = 1
    group by {{ object_id }}
{%- endmacro %}

{# The column of a key: without what no name of a column has, nor the `_` before the keys that WordPress does not show. #}
{% macro woocommerce_column(key) %}
    {{ return(modules.re.sub('[^a-z0-9_]', '_', key | lower).lstrip('_')) }}
{% endmacro %}

{# The number that a text is, or null. PHP writes small ones as 1.0E-5. #}
{% macro woocommerce_number(text) -%}
    case
        when {{ matches(text, '^[-+]?([0-9]{1,12}([.][0-9]*)?|[.][0-9]+)([eE]-[0-9]{1,2})?$') }}
            then cast({{ text }} as {{ decimal_type(18, 6) }})
    end
{%- endmacro %}

{# An id that stands among further values, as the columns of its kind have it; 0 is none. #}
{% macro woocommerce_id(value, id_prefix='id_prefix') -%}
    case when {{ value }} <> '0' then {{ dbt.concat([id_prefix, value]) }} end
{%- endmacro %}

{# WordPress keeps names as they stand in a page. #}
{% macro woocommerce_name(text) -%}
    replace(replace(replace({{ text }}, '&#039;', {{ text_literal("'") }}), '&quot;', '"'), '&amp;', '&')
{%- endmacro %}

{# The status of an order in the raw contract's words: by the entry's `statuses`, else by WooCommerce's own; one that nothing names stays as it is.
   A draft is no order yet. #}
{% macro woocommerce_status(status, source_name='source_name') -%}
    {%- set own = {
        'completed': 'fulfilled',
        'processing': 'paid',
        'refunded': 'paid',
        'pending': 'pending',
        'on-hold': 'pending',
        'cancelled': 'cancelled',
        'failed': 'cancelled',
        'trash': 'cancelled',
        'checkout-draft': 'draft',
        'auto-draft': 'draft'
    } -%}
    {%- set bare_status = "replace(concat('/', lower(" ~ status ~ ")), '/wc-', '/')" -%}
    case
        {%- for entry in entries_of('woocommerce') %}
        {%- set statuses = {} -%}
        {%- for name, meaning in dict(own, **(entry.statuses or {})).items() -%}
            {%- do statuses.update({(name | lower)[3 if (name | lower).startswith('wc-') else 0:]: meaning}) -%}
        {%- endfor %}
        {%- for name, meaning in statuses.items() %}
        when {{ source_name }} = {{ text_literal(entry.name) }} and {{ bare_status }} = {{ text_literal('/' ~ name) }} then {{ text_literal(meaning) }}
        {%- endfor %}
        {%- endfor %}
        else {{ status }}
    end
{%- endmacro %}

{# What is read of an account beside its row. #}
{% macro woocommerce_user_keys() %}
    {% set keys = [
        'first_name', 'last_name', 'billing_first_name', 'billing_last_name', 'billing_phone', 'billing_postcode', 'billing_country', 'billing_city', 'last_update'
    ] %}
    {% for entry in entries_of('woocommerce') if entry.email_consent_key and entry.email_consent_key not in keys %}
        {% do keys.append(entry.email_consent_key) %}
    {% endfor %}
    {{ return(keys) }}
{% endmacro %}

{# The consent to emails by the plugin's key that an entry names: WooCommerce has none of its own. #}
{% macro woocommerce_consent() -%}
    {%- set cases = [] -%}
    {%- for entry in entries_of('woocommerce') if entry.email_consent_key -%}
        {%- do cases.append(
            'when source_name = ' ~ text_literal(entry.name) ~ ' and ' ~ woocommerce_column(entry.email_consent_key) ~ " in ('1', 'yes', 'true') then 'subscribed'"
        ) -%}
    {%- endfor -%}
    {{ 'case ' ~ cases | join(' ') ~ ' end' if cases else 'cast(null as ' ~ dbt.type_string() ~ ')' }}
{%- endmacro %}
