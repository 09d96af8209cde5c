-- One row per date that was run and segment registered then, empty ones included.
with

changes as (

    select * from {{ ref('membership_changes') }}
    where kind = 'segment'

),

counts as (

    select
        as_of_date,
        state as segment,
        {{ dbt.bool_or("change_type = 'registered'") }} as is_registered,
        sum(case when change_type = 'entered' then 1 else 0 end) as entered,
        sum(case when change_type = 'exited' then 1 else 0 end) as exited,
        sum({{ customers_gained() }}) as gained,
        max(edition) as edition
    from changes
    group by as_of_date, state

),

sizes as (

    select
        counts.*,
        sum(gained) over (
            partition by segment order by as_of_date rows between unbounded preceding and current row
        ) as customers,
        min(as_of_date) over () as first_date
    from counts

)

select
    as_of_date,
    segment,
    cast(customers as bigint) as customers,
    cast(case when as_of_date > first_date then entered end as bigint) as entered,
    cast(case when as_of_date > first_date then exited end as bigint) as exited,
    edition
from sizes
where is_registered
