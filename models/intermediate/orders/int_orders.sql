-- One row per order placed up to the as-of date, tests and test customers' aside, with the customer it belongs to.
-- An unattributed order (customer_id null) counts in shop totals and in no customer.
with

orders as (

    select * from {{ ref('stg_orders') }}
    where ordered_on <= {{ as_of_date() }} and not is_test

),

accounts as (

    select * from {{ ref('int_accounts') }}

),

account_emails as (

    select * from {{ ref('int_account_emails') }}

),

with_accounts as (

    select
        orders.*,
        accounts.customer_id as account_customer_id,
        accounts.is_test_customer,
        -- Only an order without a known account goes by its email.
        case when accounts.account_id is null then orders.normalized_email end as owning_email
    from orders
    left join accounts on orders.account_id = accounts.account_id

),

owned as (

    select
        with_accounts.*,
        case
            when with_accounts.owning_email is not null
                then 'guest:' || {{ sha256_hex('with_accounts.owning_email') }}
        end as guest_id,
        account_emails.customer_id as email_customer_id,
        coalesce(account_emails.has_shared_email, false) as has_shared_email,
        coalesce(with_accounts.is_test_customer, account_emails.is_test_customer, false) as is_of_test_customer
    from with_accounts
    left join account_emails on with_accounts.owning_email = account_emails.normalized_email

)

select
    owned.order_id,
    coalesce(
        owned.account_customer_id, owned.email_customer_id, case when not owned.has_shared_email then owned.guest_id end
    ) as customer_id,
    -- The id that the buyer has as a guest, kept when a customer with the email takes the order over.
    owned.guest_id,
    owned.normalized_email,
    owned.ordered_at,
    owned.ordered_on,
    owned.status <> 'cancelled' as is_ordered,
    owned.status in ('paid', 'fulfilled') as is_paid,
    owned.currency,
    owned.discount_amount,
    owned.delivered_at
from owned
left join {{ ref('forgotten_customers') }} as forgotten_customers
    on
        owned.guest_id = 'guest:' || forgotten_customers.hashed_id
        and owned.ordered_on <= forgotten_customers.forgotten_on
where
    not owned.is_of_test_customer
    and forgotten_customers.hashed_id is null
