-- Each row that is counted as rejected stands in rejected_rows with a reason.
with

listed as (

    select
        table_name,
        count(reason) as rejected_rows
    from {{ ref('rejected_rows') }}
    group by table_name

)

select row_counts.*
from {{ ref('row_counts') }} as row_counts
left join listed on row_counts.table_name = listed.table_name
where row_counts.rejected_rows <> coalesce(listed.rejected_rows, 0)
