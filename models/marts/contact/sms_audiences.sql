-- One row per segment and customer in it whom messages on a phone may reach, with the hash of the phone.
with

memberships as (

    select * from {{ ref('segment_memberships') }}

),

contactable_customers as (

    select * from {{ ref('customers') }}
    where is_contactable_by_sms

),

contact_hashes as (

    select * from {{ ref('int_contact_hashes') }}

)

select
    memberships.segment,
    memberships.customer_id,
    memberships.as_of_date,
    contact_hashes.phone_sha256
from memberships
inner join contactable_customers on memberships.customer_id = contactable_customers.customer_id
inner join contact_hashes on memberships.customer_id = contact_hashes.customer_id
