-- One row per delivered row that breaks the raw contract, with the reason.
{{ config(materialized='table') }}
{% for table in contract_tables() %}
select
    '{{ table }}' as table_name,
    {{ row_key(raw_contract(table)) }} as row_key,
    rejection_reason as reason,
    raw_values
from {{ ref('base_' ~ table) }}
where row_status = 'rejected'
{{ 'union all' if not loop.last }}
{% endfor %}
