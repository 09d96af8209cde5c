-- One row per customer against whom an unsubscribe holds, with the latest one.
-- It holds against its customer and, as mail goes to an address, against every customer with the same email.
with

customers as (

    select * from {{ ref('int_customers') }}

),

accounts as (

    select * from {{ ref('int_accounts') }}

),

unsubscribes as (

    select * from {{ ref('stg_email_events') }}
    where event_type = 'unsubscribe' and occurred_on <= {{ as_of_date() }}

),

owned as (

    select
        unsubscribes.occurred_at,
        unsubscribes.compared_email,
        accounts.customer_id
    from unsubscribes
    left join accounts on unsubscribes.account_id = accounts.account_id
    where not coalesce(accounts.is_test_customer, false)

),

held as (

    select
        customer_id,
        occurred_at
    from owned
    where customer_id is not null

    union all

    select
        customers.customer_id,
        owned.occurred_at
    from owned
    inner join customers on owned.compared_email = customers.compared_email

    union all

    select
        sharing_customers.customer_id,
        owned.occurred_at
    from owned
    inner join customers on owned.customer_id = customers.customer_id
    inner join customers as sharing_customers on customers.compared_email = sharing_customers.compared_email

)

select
    customer_id,
    max(occurred_at) as last_unsubscribed_at
from held
group by customer_id
