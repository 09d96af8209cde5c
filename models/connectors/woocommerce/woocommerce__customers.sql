-- One row per account. Guests have none: their orders go by email.
{{ config(enabled=is_connected('woocommerce')) }}

with

users as (

    {{ loaded('woocommerce', 'users') }}

),

user_values as (

    {{ woocommerce_meta('usermeta', 'user_id', woocommerce_user_keys()) }}

),

accounts as (

    select
        users.*,
        {% for key in woocommerce_user_keys() -%}
        user_values.{{ woocommerce_column(key) }},
        {% endfor -%}
        {{ latest_of(['users._fivetran_synced', 'user_values.loaded_at']) }} as loaded_at,
        case
            when {{ matches('user_values.last_update', '^[0-9]{9,10}$') }} then cast(user_values.last_update as bigint)
        end as updated_seconds
    from users
    left join user_values on users.id = user_values.user_id

)

select
    id as customer_id,
    user_email as email,
    -- Typed by hand: signs between the digits are none of the number.
    translate(billing_phone, ' -./', '') as phone,
    coalesce(first_name, billing_first_name) as first_name,
    coalesce(last_name, billing_last_name) as last_name,
    billing_postcode as postal_code,
    {{ cannot_tell('customers', ['birth_date']) }},
    billing_country as country_code,
    billing_city as city,
    user_registered as created_at,
    {{ cannot_tell('customers', ['acquisition_channel']) }},
    {{ woocommerce_consent() }} as email_consent,
    {{ cannot_tell('customers', [
        'email_consent_at', 'sms_consent', 'sms_consent_at', 'ads_consent', 'ads_consent_at', 'is_test'
    ]) }},
    coalesce(
        {{ dbt.dateadd('second', 'updated_seconds', "cast('1970-01-01 00:00:00' as " ~ dbt.type_timestamp() ~ ')') }},
        user_registered
    ) as updated_at,
    {{ is_deleted_in_source('accounts') }} as is_deleted,
    loaded_at,
    source_error
from accounts
