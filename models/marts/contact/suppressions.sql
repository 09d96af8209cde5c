-- One row per suppression list and customer on it, contactable or not, and per list and refused email that no customer has.
with

customers as (

    select * from {{ ref('customers') }}

),

consents as (

    select * from {{ ref('int_customers') }}

),

email_refusals as (

    select * from {{ ref('int_customer_email_refusals') }}

),

refused_emails as (

    select * from {{ ref('int_refused_addresses') }}

),

contact_hashes as (

    select * from {{ ref('int_contact_hashes') }}

),

members as (

    select
        'non_target' as suppression_list,
        customer_id
    from {{ ref('seg_non_target') }}

    union all

    select
        'unhappy' as suppression_list,
        customer_id
    from {{ ref('seg_unhappy_customers') }}

),

-- Who never answered and never unsubscribed has refused nothing; who said yes again after an unsubscribe is subscribed.
unsubscribed_customers as (

    select
        'unsubscribed' as suppression_list,
        customers.customer_id
    from customers
    inner join consents on customers.customer_id = consents.customer_id
    left join email_refusals on customers.customer_id = email_refusals.customer_id
    where
        not customers.is_subscribed
        and (consents.has_refused_consent or email_refusals.last_unsubscribed_at is not null)

),

complained_customers as (

    select
        'complained' as suppression_list,
        customer_id
    from email_refusals
    where has_complained

),

suppressed_customers as (

    select * from members
    union all
    select * from unsubscribed_customers
    union all
    select * from complained_customers

),

suppressed_emails as (

    select
        'unsubscribed' as suppression_list,
        normalized_email
    from refused_emails
    where has_unsubscribed

    union all

    select
        'complained' as suppression_list,
        normalized_email
    from refused_emails
    where has_complained

),

suppressions as (

    select
        suppressed_customers.suppression_list,
        suppressed_customers.customer_id,
        contact_hashes.email_sha256,
        contact_hashes.google_email_sha256,
        contact_hashes.phone_sha256
    from suppressed_customers
    inner join contact_hashes on suppressed_customers.customer_id = contact_hashes.customer_id

    union all

    select
        suppression_list,
        cast(null as {{ dbt.type_string() }}) as customer_id,
        {{ sha256_hex('normalized_email') }} as email_sha256,
        {{ sha256_hex(google_email('normalized_email')) }} as google_email_sha256,
        cast(null as {{ dbt.type_string() }}) as phone_sha256
    from suppressed_emails

)

select
    suppression_list,
    customer_id,
    {{ as_of_date() }} as as_of_date,
    email_sha256,
    google_email_sha256,
    phone_sha256
from suppressions
