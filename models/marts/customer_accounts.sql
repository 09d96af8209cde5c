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

guests as (

    select
        customer_id as account_id,
        customer_id
    from customers
    where is_guest

),

order_emails as (

    select distinct compared_email
    from {{ ref('int_orders') }}

),

-- Whoever was a guest once is found under the old id, whether the orders are still without an account or have got one since, and
-- whether the account has the email or had it.
former_guests as (

    select
        'guest:' || {{ sha256_hex('order_emails.compared_email') }} as account_id,
        account_emails.customer_id
    from order_emails
    inner join {{ ref('int_account_emails') }} as account_emails on order_emails.compared_email = account_emails.compared_email
    where not account_emails.has_shared_email

),

ids as (

    select * from accounts
    union all
    select * from guests
    union all
    select * from former_guests

)

select
    ids.account_id,
    ids.customer_id,
    customers.as_of_date
from ids
inner join customers on ids.customer_id = customers.customer_id
