-- One row per segment and customer in it whom mail may reach, with the hashes by which ad platforms know them.
with

memberships as (

    select * from {{ ref('segment_memberships') }}

),

contactable_customers as (

    select * from {{ ref('customers') }}
    where is_contactable_by_email

),

contact_hashes as (

    select * from {{ ref('int_contact_hashes') }}

)

select
    memberships.segment,
    memberships.customer_id,
    memberships.as_of_date,
    contact_hashes.email_sha256,
    contact_hashes.google_email_sha256,
    contact_hashes.phone_sha256,
    contactable_customers.ads_consent
from memberships
inner join contactable_customers on memberships.customer_id = contactable_customers.customer_id
inner join contact_hashes on memberships.customer_id = contact_hashes.customer_id
