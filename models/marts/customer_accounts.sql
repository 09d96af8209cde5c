-- One row per account or guest id, with the customer it belongs to at the as-of date.
with

customers as (

    select * from {{ ref('int_customers') }}

),

accounts as (

    select
        account_id,
        customer_id
    from {{ ref('int_accounts') }}

),

-- A guest keeps the old id here after an account with the email has taken the orders over.
guests as (

    select distinct
        guest_id as account_id,
        customer_id
    from {{ ref('int_orders') }}
    where guest_id is not null

),

ids as (

    select * from accounts
    union all
    select * from guests

)

select
    ids.account_id,
    ids.customer_id,
    customers.as_of_date
from ids
inner join customers on ids.customer_id = customers.customer_id
