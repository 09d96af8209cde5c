-- One row per stay of a customer in a segment. exited_on is null while they are inside.
with

changes as (

    select
        state as segment,
        customer_id,
        as_of_date as entered_on,
        change,
        lead(as_of_date) over (partition by state, customer_id order by as_of_date) as exited_on
    from {{ ref('membership_changes') }}
    where kind = 'segment' and change in ('entered', 'exited')

)

select
    segment,
    customer_id,
    entered_on,
    exited_on
from changes
where change = 'entered'
