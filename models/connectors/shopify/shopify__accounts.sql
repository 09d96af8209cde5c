-- One row per account of Shopify, with the account that stands for it.
{{ config(enabled=is_connected('shopify'), materialized='table') }}

with

accounts as (

    select
        id as customer_id,
        created_at,
        source_name,
        lower(email) as email,
        coalesce(lower(email_marketing_consent_state) = 'redacted', false) as is_redacted,
        email is not null and coalesce(lower(state), '') <> 'enabled' as is_guest
    from (
        {{ newest_loaded('shopify', 'customer') }}
    ) as customers

),

-- A guest checkout makes an account each time that Shopify does not find the one before.
guests as (

    select
        customer_id,
        first_value(customer_id) over (
            partition by source_name, email
            order by created_at desc nulls last, {{ binary_collation('customer_id') }} desc
            rows between unbounded preceding and current row
        ) as account_id
    from accounts
    where is_guest and not is_redacted

)

select
    accounts.customer_id,
    coalesce(guests.account_id, accounts.customer_id) as account_id,
    accounts.is_redacted
from accounts
left join guests on accounts.customer_id = guests.customer_id
