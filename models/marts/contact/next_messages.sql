-- One row per customer whom mail may reach, who is on no suppression list and in a segment with a priority in the plan of
-- tonight: the one message for them, and when in its segment it is their turn.
with

next_messages as (

    select * from {{ ref('int_next_messages') }}

),

formerly_held_back as (

    {{ held_back_before(ref('held_back_changes')) }}

),

-- Under the ids of today: of several that became one customer, one is enough.
have_waited as (

    select distinct known_ids.customer_id
    from formerly_held_back
    inner join {{ ref('int_known_ids') }} as known_ids on formerly_held_back.customer_id = known_ids.account_id

),

-- Those that are held back have no turn.
messages as (

    select
        next_messages.*,
        have_waited.customer_id is not null as has_waited,
        row_number() over (
            partition by next_messages.segment, case when next_messages.held_back_by is null then 0 else 1 end
            order by
                case when have_waited.customer_id is null then 1 else 0 end,
                {{ binary_collation('next_messages.customer_id') }}
        ) as place
    from next_messages
    left join have_waited on next_messages.customer_id = have_waited.customer_id

)

select
    customer_id,
    {{ as_of_date() }} as as_of_date,
    segment,
    priority,
    marketing_goal,
    next_products,
    held_back_by,
    has_waited,
    cast(case when held_back_by is null then place end as integer) as send_order
from messages
