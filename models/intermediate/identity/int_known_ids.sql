-- One row per id by which a customer is or may have been known: accounts, guests, and the guest that each of a customer's emails
-- on orders would be. A shop that hands a guest's orders to the account that they register leaves no trace of the guest but the
-- email.
with

customers as (

    select * from {{ ref('int_customers') }}

),

accounts as (

    select
        account_id,
        customer_id,
        true as has_rows_of_its_own
    from {{ ref('int_accounts') }}

),

guests as (

    select
        customer_id as account_id,
        customer_id,
        true as has_rows_of_its_own
    from customers
    where is_guest

),

order_emails as (

    select
        normalized_email,
        {{ dbt.bool_or("guest_id is not null") }} as has_guest_orders
    from {{ ref('int_orders') }}
    group by normalized_email

),

former_guests as (

    select
        'guest:' || {{ sha256_hex('order_emails.normalized_email') }} as account_id,
        account_emails.customer_id,
        order_emails.has_guest_orders as has_rows_of_its_own
    from order_emails
    inner join {{ ref('int_account_emails') }} as account_emails
        on order_emails.normalized_email = account_emails.normalized_email
    where not account_emails.has_shared_email

),

ids as (

    select * from accounts
    union all
    select * from guests
    union all
    select * from former_guests

)

select ids.*
from ids
inner join customers on ids.customer_id = customers.customer_id
