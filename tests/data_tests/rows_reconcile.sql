-- Received = kept + duplicates + rejected + deleted, for each raw table.
select *
from {{ ref('row_counts') }}
where received_rows <> kept_rows + duplicate_rows + rejected_rows + deleted_rows
