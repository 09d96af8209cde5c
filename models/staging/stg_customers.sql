-- One row per account.
select
    account_id,
    compared_email,
    phone,
    first_name,
    last_name,
    postal_code,
    birth_date,
    country_code,
    city,
    acquisition_channel,
    email_consent,
    email_consent_at,
    sms_consent,
    sms_consent_at,
    ads_consent,
    ads_consent_at,
    created_at,
    is_test,
    updated_at
from {{ ref('base_customers') }}
where verdict = 'kept'
