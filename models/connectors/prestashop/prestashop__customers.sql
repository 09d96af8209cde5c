-- One row per account. A guest's account is of one order alone, which goes by its email: of guests only those have a row who
-- subscribed to the newsletter, by the first such account of an email.
{{ config(enabled=is_connected('prestashop')) }}

with

customers as (

    {{ newest_loaded('prestashop', 'customer') }}

),

addresses as (

    {{ loaded('prestashop', 'address') }}

),

countries as (

    {{ loaded('prestashop', 'country') }}

),

newest_addresses as (

    select
        *,
        row_number() over (
            partition by id_customer
            order by coalesce(date_upd, cast('1970-01-01' as timestamp)) desc, {{ binary_collation('id_address') }} desc
        ) as place
    from addresses
    where not coalesce(deleted, false) and not {{ is_deleted_in_source('addresses') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by source_name, lower(email), coalesce(is_guest, false), coalesce(newsletter, false)
            order by date_add, {{ binary_collation('id_customer') }}
        ) as place
    from customers

),

accounts as (

    select * from ranked
    where
        not {{ prestashop_is_anonymous('email') }}
        and (not coalesce(is_guest, false) or (newsletter and email is not null and place = 1))

)

select
    accounts.id_customer as customer_id,
    accounts.email,
    coalesce(newest_addresses.phone_mobile, newest_addresses.phone) as phone,
    accounts.firstname as first_name,
    accounts.lastname as last_name,
    newest_addresses.postcode as postal_code,
    accounts.birthday as birth_date,
    countries.iso_code as country_code,
    newest_addresses.city,
    {{ prestashop_moment('accounts.date_add', 'accounts.source_name') }} as created_at,
    case when accounts.newsletter then 'subscribed' else 'never' end as email_consent,
    case
        when accounts.newsletter then {{ prestashop_moment('accounts.newsletter_date_add', 'accounts.source_name') }}
    end as email_consent_at,
    {{ cannot_tell('customers', [
        'acquisition_channel', 'sms_consent', 'sms_consent_at', 'ads_consent', 'ads_consent_at', 'is_test'
    ]) }},
    {{ prestashop_moment('coalesce(accounts.date_upd, accounts.date_add)', 'accounts.source_name') }} as updated_at,
    coalesce(accounts.deleted, false) or {{ is_deleted_in_source('accounts') }} as is_deleted,
    accounts.loaded_at,
    accounts.source_error
from accounts
left join newest_addresses on accounts.id_customer = newest_addresses.id_customer and newest_addresses.place = 1
left join countries on newest_addresses.id_country = countries.id_country
