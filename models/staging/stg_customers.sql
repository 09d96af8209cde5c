-- One row per account.
select
    customer_id as account_id,
    {{ normalized_email('email') }} as normalized_email,
    case when phone_repaired_from is null then phone end as phone,
    first_name,
    last_name,
    postal_code,
    birth_date,
    country_code,
    city,
    acquisition_channel,
    case when email_consent_repaired_from is null then email_consent end as email_consent,
    email_consent_at,
    case when sms_consent_repaired_from is null then sms_consent end as sms_consent,
    sms_consent_at,
    case when ads_consent_repaired_from is null then ads_consent end as ads_consent,
    ads_consent_at,
    created_at,
    coalesce(is_test, false) as is_test,
    updated_at
from {{ ref('base_customers') }}
where row_status = 'kept'
