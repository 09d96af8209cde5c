-- One row per stay of a customer in a segment, forgotten ones left out. exited_on is null while they are inside.
with

changes as (

    select
        state as segment,
        customer_id,
        as_of_date as entered_on,
        change_type,
        lead(as_of_date) over (partition by state, customer_id order by as_of_date) as exited_on
    from {{ ref('membership_changes') }}
    where kind = 'segment' and change_type in ('entered', 'exited')

)

select
    segment,
    customer_id,
    entered_on,
    exited_on
from changes
where
    change_type = 'entered'
    and customer_id not like 'forgotten:%'
