-- One row per delivered descriptive value that reads as null, because it is unreadable or forbidden.
{{ config(materialized='table') }}
{% set repaired_columns = [
    ('customers', 'birth_date'),
    ('customers', 'email_consent'),
    ('customers', 'email_consent_at'),
    ('customers', 'sms_consent'),
    ('customers', 'sms_consent_at'),
    ('customers', 'ads_consent'),
    ('customers', 'ads_consent_at'),
    ('customers', 'phone'),
    ('products', 'price'),
    ('products', 'unit_cost'),
    ('order_lines', 'list_price'),
    ('order_lines', 'unit_cost')
] %}
{% for table, column in repaired_columns %}
select
    '{{ table }}' as table_name,
    {{ row_key(raw_contract(table)) }} as row_key,
    '{{ column }}' as column_name,
    {{ column }}_repaired_from as raw_value,
    row_status
from {{ ref('base_' ~ table) }}
where {{ column }}_repaired_from is not null
{{ 'union all' if not loop.last }}
{% endfor %}
