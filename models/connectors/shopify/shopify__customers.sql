-- One row per account that stands for itself.
{{ config(enabled=is_connected('shopify')) }}

with

customers as (

    {{ newest_loaded('shopify', 'customer') }}

),

addresses as (

    {{ loaded('shopify', 'customer_address') }}

),

orders as (

    {{ newest_loaded('shopify', 'order') }}

),

accounts as (

    select * from {{ ref('shopify__accounts') }}

),

default_addresses as (

    select
        customers.id as customer_id,
        addresses.city,
        addresses.country_code,
        addresses.zip,
        addresses._fivetran_synced,
        row_number() over (
            partition by customers.id
            order by
                case when customers.default_address_id = addresses.id then 0 else 1 end,
                {{ binary_collation('addresses.id') }}
        ) as place
    from customers
    inner join addresses on customers.id = addresses.customer_id
    where
        (customers.default_address_id = addresses.id or addresses.is_default)
        and coalesce(addresses.country_code, addresses.city, addresses.zip) is not null

),

shipping_addresses as (

    select
        accounts.account_id,
        orders.shipping_address_city as city,
        orders.shipping_address_country_code as country_code,
        orders.shipping_address_zip as zip,
        row_number() over (
            partition by accounts.account_id
            order by coalesce(orders.processed_at, orders.created_at) desc nulls last, {{ binary_collation('orders.id') }} desc
        ) as place
    from orders
    inner join accounts on orders.customer_id = accounts.customer_id
    where coalesce(orders.shipping_address_country_code, orders.shipping_address_city, orders.shipping_address_zip) is not null

),

consents as (

    select
        id,
        {{ shopify_consent('email_marketing_consent_state', former='accepts_marketing') }} as email_consent,
        coalesce(email_marketing_consent_consent_updated_at, accepts_marketing_updated_at) as email_consent_at,
        {{ shopify_consent('sms_marketing_consent_state') }} as sms_consent,
        sms_marketing_consent_consent_updated_at as sms_consent_at
    from customers

)

select
    customers.id as customer_id,
    case when not accounts.is_redacted then customers.email end as email,
    case when not accounts.is_redacted then customers.phone end as phone,
    case when not accounts.is_redacted then customers.first_name end as first_name,
    case when not accounts.is_redacted then customers.last_name end as last_name,
    case
        when accounts.is_redacted then null
        when default_addresses.customer_id is not null then default_addresses.zip
        else shipping_addresses.zip
    end as postal_code,
    case
        when default_addresses.customer_id is not null then default_addresses.country_code else shipping_addresses.country_code
    end as country_code,
    case
        when accounts.is_redacted then null
        when default_addresses.customer_id is not null then default_addresses.city
        else shipping_addresses.city
    end as city,
    customers.created_at,
    consents.email_consent,
    case when consents.email_consent <> 'never' then consents.email_consent_at end as email_consent_at,
    consents.sms_consent,
    case when consents.sms_consent <> 'never' then consents.sms_consent_at end as sms_consent_at,
    {{ cannot_tell(
        'customers', ['birth_date', 'acquisition_channel', 'ads_consent', 'ads_consent_at', 'is_test', 'is_deleted']
    ) }},
    customers.updated_at,
    {{ latest_of(['customers._fivetran_synced', 'default_addresses._fivetran_synced']) }} as loaded_at,
    customers.source_error
from customers
inner join accounts on customers.id = accounts.customer_id and customers.id = accounts.account_id
inner join consents on customers.id = consents.id
left join default_addresses on customers.id = default_addresses.customer_id and default_addresses.place = 1
left join shipping_addresses on customers.id = shipping_addresses.account_id and shipping_addresses.place = 1
