-- One row per delivered row that breaks the raw contract, with the reason.
{{ config(materialized='table') }}
{% set keys = {
    'customers': 'account_id',
    'products': 'product_id',
    'orders': 'order_id',
    'order_lines': 'order_line_id',
    'refunds': 'refund_id',
    'sessions': 'session_id',
    'web_events': 'event_id',
    'email_events': 'event_id',
    'reviews': 'review_id',
    'marketing_spend': none,
    'custom_traits': 'row_key',
    'exchange_rates': 'row_key'
} %}
{% for table, key in keys.items() %}
select
    '{{ table }}' as table_name,
    {{ key or 'cast(null as ' ~ dbt.type_string() ~ ')' }} as row_key,
    rejection_reason as reason,
    raw_values
from {{ ref('base_' ~ table) }}
where verdict = 'rejected'
{{ 'union all' if not loop.last }}
{% endfor %}
