-- One row per delivered row of raw.customers, in its names, with its row status.
{% set raw = raw_contract('customers') %}

with

validated as (

    select
        *,
        {{ validation_error(raw) }} as validation_error
    from {{ raw_table('customers') }}

),

ranked as (

    select
        validated.*,
        cast(null as {{ dbt.type_string() }}) as orphan_error,
        {{ version_rank(raw) }} as version_rank
    from validated

)

select
    {{ raw.columns | join(',\n    ') }},
    {{ unreadable('birth_date') }} as birth_date_repaired_from,
    {{ unreadable('email_consent_at') }} as email_consent_at_repaired_from,
    {{ unreadable('sms_consent_at') }} as sms_consent_at_repaired_from,
    {{ unreadable('ads_consent_at') }} as ads_consent_at_repaired_from,
    case when email_consent not in ('subscribed', 'unsubscribed', 'never') then email_consent end as email_consent_repaired_from,
    case when sms_consent not in ('subscribed', 'unsubscribed', 'never') then sms_consent end as sms_consent_repaired_from,
    case when ads_consent not in ('granted', 'denied') then ads_consent end as ads_consent_repaired_from,
    case when not {{ is_e164('phone') }} then phone end as phone_repaired_from,
    {{ row_status_columns(raw) }}
from ranked
