-- One row per email of the visible accounts, with the customer it stands for (none where too many accounts share it), and per
-- former address of a customer.
with

accounts as (

    select * from {{ ref('int_accounts') }}

),

orders as (

    select * from {{ ref('stg_orders') }}
    where ordered_on <= {{ as_of_date() }} and not is_test

),

account_emails as (

    select
        normalized_email,
        has_shared_email,
        max(case when not has_shared_email then customer_id end) as customer_id,
        max(case when not has_shared_email and is_test_customer then 1 else 0 end) = 1 as is_test_customer,
        false as is_former
    from accounts
    where normalized_email is not null
    group by normalized_email, has_shared_email

),

-- No account has it any more, and orders show whose it was. Test customers are asked too, as who is forgotten is one of them.
former_emails as (

    select
        orders.normalized_email,
        false as has_shared_email,
        min(accounts.customer_id) as customer_id,
        {{ dbt.bool_or("accounts.is_test_customer") }} as is_test_customer,
        true as is_former
    from orders
    inner join accounts on orders.account_id = accounts.account_id
    left join account_emails on orders.normalized_email = account_emails.normalized_email
    where orders.normalized_email is not null and account_emails.normalized_email is null
    group by orders.normalized_email
    having min(accounts.customer_id) = max(accounts.customer_id)

),

emails as (

    select * from account_emails
    union all
    select * from former_emails

)

select * from emails
