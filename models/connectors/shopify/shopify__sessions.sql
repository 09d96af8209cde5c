-- One row per abandoned checkout.
{{ config(enabled='shopify' in connectors_of('sessions'), materialized='table') }}

with

checkouts as (

    {{ loaded('shopify', 'abandoned_checkout') }}

)

select
    {{ dbt.concat(["'checkout:'", 'checkouts.id']) }} as session_id,
    coalesce(known_accounts.account_id, checkouts.customer_id) as customer_id,
    checkouts.created_at as started_at,
    {{ cannot_tell('sessions', ['visitor_id', 'channel', 'campaign_id', 'device', 'is_bot']) }},
    checkouts._fivetran_synced as loaded_at,
    checkouts.source_error
from checkouts
left join {{ ref('shopify__accounts') }} as known_accounts on checkouts.customer_id = known_accounts.customer_id
