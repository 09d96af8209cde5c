-- One row per segment and customer in it.
-- ("Depends on a node named seg_x which was not found": the register in dbt_project.yml names a segment that has no file.)
{% for segment in registered_segments() %}
-- A segment with several rows per customer counts each customer once; elsewhere a duplicate must stay visible to the tests.
{{ 'select distinct' if segment.row_per else 'select' }}
    '{{ segment.name }}' as segment,
    customer_id,
    as_of_date
from {{ ref('seg_' ~ segment.name) }}
{{ 'union all' if not loop.last }}
{% endfor %}
