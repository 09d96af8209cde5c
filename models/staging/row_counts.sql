-- One row per raw table: rows received = rows kept + duplicates removed + rows rejected + rows deleted. What a connector leaves
-- out was never received.
{{ config(materialized='table') }}
{% set tables = contract_tables() %}
with

received as (

    {% for table in tables %}
    select
        '{{ table }}' as table_name,
        {{ validated_by_exception(table) }} as is_validated_by_exception,
        count(*) as received_rows
    from {{ received(table) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

statuses as (

    {% for table in tables %}
    select
        '{{ table }}' as table_name,
        row_status
    from {{ ref('base_' ~ table) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

validated as (

    select
        table_name,
        count(*) as validated_rows,
        count(case when row_status = 'kept' then 1 end) as kept_rows,
        count(case when row_status = 'duplicate' then 1 end) as duplicate_rows,
        count(case when row_status = 'rejected' then 1 end) as rejected_rows,
        count(case when row_status = 'deleted' then 1 end) as deleted_rows
    from statuses
    group by table_name

),

left_out as (

    select
        table_name,
        sum(left_out_rows) as left_out_rows
    from {{ ref('left_out_rows') }}
    group by table_name

)

select
    received.table_name,
    received.received_rows,
    -- A row that needed no row status is kept.
    coalesce(validated.kept_rows, 0)
    + case when received.is_validated_by_exception then received.received_rows - coalesce(validated.validated_rows, 0) else 0 end
        as kept_rows,
    coalesce(validated.duplicate_rows, 0) as duplicate_rows,
    coalesce(validated.rejected_rows, 0) as rejected_rows,
    coalesce(validated.deleted_rows, 0) as deleted_rows,
    cast(coalesce(left_out.left_out_rows, 0) as bigint) as left_out_rows
from received
left join validated on received.table_name = validated.table_name
left join left_out on received.table_name = left_out.table_name
