-- One row per email that an unsubscribe or a complaint names and that no customer has: strangers', and former ones of
-- customers, which tools may still hold.
-- No answer on consent takes it back, as none is known of it.
with

refusals as (

    select * from {{ ref('int_email_events') }}
    where event_type in ('unsubscribe', 'complaint') and normalized_email is not null

),

customers as (

    select * from {{ ref('int_customers') }}

)

select
    refusals.normalized_email,
    {{ dbt.bool_or("refusals.event_type = 'unsubscribe'") }} as has_unsubscribed,
    {{ dbt.bool_or("refusals.event_type = 'complaint'") }} as has_complained
from refusals
left join customers on refusals.normalized_email = customers.normalized_email
where customers.customer_id is null
group by refusals.normalized_email
