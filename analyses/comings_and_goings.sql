-- One row per segment and date that was built: its size, and how many came and went since the date before, the latest date first.
select
    sizes.as_of_date,
    segments.title,
    sizes.customers,
    sizes.entered,
    sizes.exited,
    100.0 * sizes.exited / nullif(sizes.customers - sizes.entered + sizes.exited, 0) as exited_percent
from {{ ref('segment_sizes') }} as sizes
inner join {{ ref('segments') }} as segments on sizes.segment = segments.segment
order by sizes.as_of_date desc, segments.position asc
