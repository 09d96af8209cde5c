-- One row per customer against whom an unsubscribe, a complaint or a bounce holds.
with

customers as (

    select * from {{ ref('int_customers') }}

),

-- A customer has the email of the account, and former addresses.
customer_emails as (

    select
        normalized_email,
        customer_id,
        false as is_former
    from customers

    union all

    select
        normalized_email,
        customer_id,
        is_former
    from {{ ref('int_account_emails') }}
    where is_former and not is_test_customer

),

refusals as (

    select * from {{ ref('int_email_events') }}
    where event_type in ('unsubscribe', 'complaint', 'bounce')

),

-- A bounce says that an address is dead, not that a person refuses: it holds against the address that it names.
held_against_customers as (

    select
        customer_id,
        event_type,
        occurred_at
    from refusals
    where
        customer_id is not null
        and (event_type <> 'bounce' or normalized_email is null)

),

held_against_emails as (

    select
        normalized_email,
        event_type,
        occurred_at
    from refusals
    where normalized_email is not null

    union all

    -- Mail goes to an address: who refuses it refuses for all who share it.
    select
        customers.normalized_email,
        refusals.event_type,
        refusals.occurred_at
    from refusals
    inner join customers on refusals.customer_id = customers.customer_id
    where refusals.event_type <> 'bounce'

),

held as (

    select * from held_against_customers

    union all

    -- Who refused under a former address refuses still; where that one is dead, the one of today is not.
    select
        customer_emails.customer_id,
        held_against_emails.event_type,
        held_against_emails.occurred_at
    from held_against_emails
    inner join customer_emails on held_against_emails.normalized_email = customer_emails.normalized_email
    where held_against_emails.event_type <> 'bounce' or not customer_emails.is_former

)

select
    customer_id,
    max(case when event_type = 'unsubscribe' then occurred_at end) as last_unsubscribed_at,
    {{ dbt.bool_or("event_type = 'complaint'") }} as has_complained,
    {{ dbt.bool_or("event_type = 'bounce'") }} as has_bounced
from held
group by customer_id
