-- One row per raw table: rows received = rows kept + duplicates removed + rows rejected.
{{ config(materialized='table') }}
{% set tables = [
    'customers', 'products', 'orders', 'order_lines', 'refunds', 'sessions',
    'web_events', 'email_events', 'reviews', 'marketing_spend', 'exchange_rates'
] %}
with

received as (

    {% for table in tables %}
    select
        '{{ table }}' as table_name,
        count(*) as received_rows
    from {{ source('raw', table) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

verdicts as (

    {% for table in tables %}
    select
        '{{ table }}' as table_name,
        verdict
    from {{ ref('base_' ~ table) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

judged as (

    select
        table_name,
        count(case when verdict = 'kept' then 1 end) as kept_rows,
        count(case when verdict = 'duplicate' then 1 end) as duplicate_rows,
        count(case when verdict = 'rejected' then 1 end) as rejected_rows
    from verdicts
    group by table_name

)

select
    received.table_name,
    received.received_rows,
    coalesce(judged.kept_rows, 0) as kept_rows,
    coalesce(judged.duplicate_rows, 0) as duplicate_rows,
    coalesce(judged.rejected_rows, 0) as rejected_rows
from received
left join judged on received.table_name = judged.table_name
