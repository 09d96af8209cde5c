-- One row per delivered row of raw.customers, with its verdict.
{% set columns = [
    'customer_id',
    'email',
    'phone',
    'first_name',
    'last_name',
    'postal_code',
    'birth_date',
    'country_code',
    'city',
    'created_at',
    'acquisition_channel',
    'email_consent',
    'email_consent_at',
    'sms_consent',
    'sms_consent_at',
    'ads_consent',
    'ads_consent_at',
    'is_test',
    'updated_at',
    'is_deleted'
] %}
{% set readable = ['created_at', 'is_test', 'updated_at', 'is_deleted', 'loaded_at'] %}
{% set descriptive = ['birth_date', 'email_consent_at', 'sms_consent_at', 'ads_consent_at'] %}

with

judged as (

    select
        *,
        {{ row_fault(
            required=['customer_id', 'updated_at'],
            readable=readable
        ) }} as row_fault
    from {{ source('raw', 'customers') }}

),

ranked as (

    select
        judged.*,
        cast(null as {{ dbt.type_string() }}) as relation_fault,
        {{ version_rank(
            key=['judged.customer_id'],
            order_by=[
                by_code_point('judged.email'),
                by_code_point('judged.phone'),
                by_code_point('judged.first_name'),
                by_code_point('judged.last_name'),
                by_code_point('judged.postal_code'),
                'judged.birth_date',
                by_code_point('judged.country_code'),
                by_code_point('judged.city'),
                'judged.created_at',
                by_code_point('judged.acquisition_channel'),
                by_code_point('judged.email_consent'),
                'judged.email_consent_at',
                by_code_point('judged.sms_consent'),
                'judged.sms_consent_at',
                by_code_point('judged.ads_consent'),
                'judged.ads_consent_at',
                'judged.is_test'
            ],
            descriptive=descriptive,
            has_versions=true
        ) }} as version_rank
    from judged

)

select
    customer_id as account_id,
    {{ compared_email('email') }} as compared_email,
    case when {{ is_e164('phone') }} then phone end as phone,
    first_name,
    last_name,
    postal_code,
    birth_date,
    country_code,
    city,
    acquisition_channel,
    case when email_consent in ('subscribed', 'unsubscribed', 'never') then email_consent end as email_consent,
    email_consent_at,
    case when sms_consent in ('subscribed', 'unsubscribed', 'never') then sms_consent end as sms_consent,
    sms_consent_at,
    case when ads_consent in ('granted', 'denied') then ads_consent end as ads_consent,
    ads_consent_at,
    created_at,
    coalesce(is_test, false) as is_test,
    updated_at,
    {{ unreadable('birth_date') }} as birth_date_repaired_from,
    {{ unreadable('email_consent_at') }} as email_consent_at_repaired_from,
    {{ unreadable('sms_consent_at') }} as sms_consent_at_repaired_from,
    {{ unreadable('ads_consent_at') }} as ads_consent_at_repaired_from,
    case when email_consent not in ('subscribed', 'unsubscribed', 'never') then email_consent end as email_consent_repaired_from,
    case when sms_consent not in ('subscribed', 'unsubscribed', 'never') then sms_consent end as sms_consent_repaired_from,
    case when ads_consent not in ('granted', 'denied') then ads_consent end as ads_consent_repaired_from,
    case when not {{ is_e164('phone') }} then phone end as phone_repaired_from,
    {{ verdict_columns(columns, readable + descriptive, versions_of=['customer_id']) }}
from ranked
