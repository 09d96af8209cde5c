-- One row per delivered descriptive value that reads as null, because it is unreadable or forbidden.
{{ config(materialized='table') }}
{% set repaired_columns = [
    ('customers', 'account_id', 'birth_date'),
    ('customers', 'account_id', 'email_consent'),
    ('customers', 'account_id', 'email_consent_at'),
    ('customers', 'account_id', 'sms_consent'),
    ('customers', 'account_id', 'sms_consent_at'),
    ('customers', 'account_id', 'ads_consent'),
    ('customers', 'account_id', 'ads_consent_at'),
    ('customers', 'account_id', 'phone'),
    ('products', 'product_id', 'price'),
    ('products', 'product_id', 'unit_cost'),
    ('order_lines', 'order_line_id', 'list_price'),
    ('order_lines', 'order_line_id', 'unit_cost')
] %}
{% for table, key, column in repaired_columns %}
select
    '{{ table }}' as table_name,
    {{ key }} as row_key,
    '{{ column }}' as column_name,
    {{ column }}_repaired_from as raw_value,
    verdict as row_verdict
from {{ ref('base_' ~ table) }}
where {{ column }}_repaired_from is not null
{{ 'union all' if not loop.last }}
{% endfor %}
