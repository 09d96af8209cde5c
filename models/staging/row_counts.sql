-- One row per raw table: rows received = rows kept + duplicates removed + rows rejected + rows deleted.
{{ config(materialized='table') }}
{% set tables = contract_tables() %}
with

received as (

    {% for table in tables %}
    select
        '{{ table }}' as table_name,
        {{ judged_by_exception(table) }} as is_judged_by_exception,
        count(*) as received_rows
    from {{ received(table) }}
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
        count(*) as judged_rows,
        count(case when verdict = 'kept' then 1 end) as kept_rows,
        count(case when verdict = 'duplicate' then 1 end) as duplicate_rows,
        count(case when verdict = 'rejected' then 1 end) as rejected_rows,
        count(case when verdict = 'deleted' then 1 end) as deleted_rows
    from verdicts
    group by table_name

)

select
    received.table_name,
    received.received_rows,
    -- A row that needed no verdict is kept.
    coalesce(judged.kept_rows, 0)
    + case when received.is_judged_by_exception then received.received_rows - coalesce(judged.judged_rows, 0) else 0 end
        as kept_rows,
    coalesce(judged.duplicate_rows, 0) as duplicate_rows,
    coalesce(judged.rejected_rows, 0) as rejected_rows,
    coalesce(judged.deleted_rows, 0) as deleted_rows
from received
left join judged on received.table_name = judged.table_name
