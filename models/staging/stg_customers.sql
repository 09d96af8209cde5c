-- One row per account.
select
    account_id,
    compared_email,
    phone,
    first_name,
    birth_date,
    country_code,
    city,
    acquisition_channel,
    email_consent,
    created_at,
    created_on,
    consent_answered_at,
    consent_answered_on,
    is_test,
    updated_at
from {{ ref('base_customers') }}
where verdict = 'kept'
