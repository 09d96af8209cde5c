-- One row per stay of a customer in a segment, forgotten ones left out. exited_on is null while they are inside.
with

-- On one date a stay may go on under an id and end.
changes as (

    select
        state as segment,
        customer_id,
        coalesce(entered_on, as_of_date) as entered_on,
        change_type,
        lead(as_of_date) over (
            partition by state, customer_id order by as_of_date, case when change_type = 'exited' then 1 else 0 end
        ) as next_date,
        lead(change_type) over (
            partition by state, customer_id order by as_of_date, case when change_type = 'exited' then 1 else 0 end
        ) as next_change_type
    from {{ ref('membership_changes') }}
    where kind = 'segment' and change_type <> 'registered'

)

-- A stay that was handed over, or met another one, has its row where it goes on.
select
    segment,
    customer_id,
    entered_on,
    next_date as exited_on
from changes
where
    change_type in ('entered', 'continued', 'merged')
    and coalesce(next_change_type, 'exited') = 'exited'
    and customer_id not like 'forgotten:%'
