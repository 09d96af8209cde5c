-- One row per email event up to the as-of date, test customers aside, with the customer it belongs to.
-- Without a known account it belongs to the customer with its email, guests too; else to nobody (customer_id null).
{{ config(materialized='view') }}
with

email_events as (

    select * from {{ ref('stg_email_events') }}
    where occurred_on <= {{ as_of_date() }}

),

accounts as (

    select * from {{ ref('int_accounts') }}

),

email_owners as (

    select
        normalized_email,
        customer_id,
        is_test_customer
    from {{ ref('int_account_emails') }}
    where not has_shared_email

    union all

    select
        normalized_email,
        customer_id,
        false as is_test_customer
    from {{ ref('int_customers') }}
    where is_guest

)

select
    email_events.event_id,
    coalesce(accounts.customer_id, email_owners.customer_id) as customer_id,
    email_events.normalized_email,
    email_events.campaign_id,
    email_events.event_type,
    email_events.occurred_at,
    email_events.occurred_on
from email_events
left join accounts on email_events.account_id = accounts.account_id
left join email_owners on email_events.normalized_email = email_owners.normalized_email
where not coalesce(accounts.is_test_customer, email_owners.is_test_customer, false)
