-- One row per raw table: what was delivered, what became of it, and why rows were left out. No value of a row is in it.
with

row_counts as (

    select * from {{ ref('row_counts') }}

),

reasons as (

    select
        table_name,
        reason,
        count(*) as reason_rows,
        row_number() over (partition by table_name order by count(*) desc, {{ binary_collation('reason') }}) as place
    from {{ ref('rejected_rows') }}
    group by table_name, reason

),

repairs as (

    select
        table_name,
        column_name,
        count(*) as column_values,
        sum(count(*)) over (partition by table_name) as repaired_values,
        row_number() over (partition by table_name order by count(*) desc, {{ binary_collation('column_name') }}) as place
    from {{ ref('repaired_values') }}
    group by table_name, column_name

)

select
    row_counts.table_name,
    {{ as_of_date() }} as as_of_date,
    cast(row_counts.received_rows as bigint) as received_rows,
    cast(row_counts.kept_rows as bigint) as kept_rows,
    cast(row_counts.duplicate_rows as bigint) as duplicate_rows,
    cast(row_counts.deleted_rows as bigint) as deleted_rows,
    cast(row_counts.rejected_rows as bigint) as rejected_rows,
    row_counts.left_out_rows,
    reasons.reason as commonest_rejection_reason,
    cast(coalesce(reasons.reason_rows, 0) as bigint) as commonest_rejection_rows,
    cast(coalesce(repairs.repaired_values, 0) as bigint) as repaired_values,
    repairs.column_name as most_repaired_column,
    cast(coalesce(repairs.column_values, 0) as bigint) as most_repaired_values
from row_counts
left join reasons on row_counts.table_name = reasons.table_name and reasons.place = 1
left join repairs on row_counts.table_name = repairs.table_name and repairs.place = 1
