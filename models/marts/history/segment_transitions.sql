-- One row per date that was run, trait (lifecycle_stage, rfm_group), and pair of its value on the date before and on that date.
-- `none` is the value before of whoever was not known yet, and the value after of whoever is known no more. An id that changed
-- does neither.
with

changes as (

    select * from {{ ref('membership_changes') }}
    where kind in ('lifecycle_stage', 'rfm_group')

),

run_dates as (

    select distinct as_of_date
    from {{ ref('membership_changes') }}

),

dates as (

    select
        as_of_date,
        lag(as_of_date) over (order by as_of_date) as previous_as_of_date
    from run_dates

),

entries as (

    select * from changes
    where change_type = 'entered'

),

exits as (

    select * from changes
    where change_type = 'exited'

),

moves as (

    select
        coalesce(entries.as_of_date, exits.as_of_date) as as_of_date,
        coalesce(entries.kind, exits.kind) as trait,
        coalesce(exits.state, 'none') as from_value,
        coalesce(entries.state, 'none') as to_value,
        count(*) as customers
    from entries
    full outer join exits
        on
            entries.as_of_date = exits.as_of_date
            and entries.kind = exits.kind
            and entries.customer_id = exits.customer_id
    group by
        coalesce(entries.as_of_date, exits.as_of_date),
        coalesce(entries.kind, exits.kind),
        coalesce(exits.state, 'none'),
        coalesce(entries.state, 'none')

),

-- Whoever was inside on the date before and did not leave has stayed.
counts as (

    select
        as_of_date,
        kind as trait,
        state,
        sum(case when change_type = 'entered' then 1 else 0 end) as entered,
        sum({{ customers_gained() }}) as gained
    from changes
    group by as_of_date, kind, state

),

states as (

    select distinct
        trait,
        state
    from counts

),

stays as (

    select
        dates.as_of_date,
        states.trait,
        states.state as from_value,
        states.state as to_value,
        sum(coalesce(counts.gained, 0)) over (
            partition by states.trait, states.state order by dates.as_of_date rows between unbounded preceding and current row
        ) - coalesce(counts.entered, 0) as customers
    from dates
    cross join states
    left join counts
        on
            dates.as_of_date = counts.as_of_date
            and states.trait = counts.trait
            and states.state = counts.state

),

transitions as (

    select * from moves
    union all
    select * from stays
    where customers > 0

)

select
    transitions.as_of_date,
    dates.previous_as_of_date,
    transitions.trait,
    transitions.from_value,
    transitions.to_value,
    cast(transitions.customers as bigint) as customers
from transitions
inner join dates on transitions.as_of_date = dates.as_of_date
where dates.previous_as_of_date is not null
