-- One row per account that is visible at the as-of date, with the customer it belongs to.
with

accounts as (

    select * from {{ ref('stg_customers') }}

),

first_orders as (

    select
        account_id,
        min(ordered_at) as first_ordered_at,
        min(ordered_on) as first_ordered_on
    from {{ ref('stg_orders') }}
    where ordered_on <= {{ as_of_date() }} and not is_test
    group by account_id

),

dated_accounts as (

    select
        accounts.account_id,
        coalesce(accounts.created_at, first_orders.first_ordered_at, accounts.email_consent_at, accounts.updated_at)
            as created_at,
        first_orders.first_ordered_at,
        first_orders.first_ordered_on
    from accounts
    left join first_orders on accounts.account_id = first_orders.account_id

),

visible_accounts as (

    select
        accounts.account_id,
        accounts.normalized_email,
        accounts.phone,
        accounts.first_name,
        accounts.last_name,
        accounts.postal_code,
        accounts.birth_date,
        accounts.country_code,
        accounts.city,
        accounts.acquisition_channel,
        accounts.email_consent,
        coalesce(accounts.email_consent_at, dated_accounts.created_at) as consent_answered_at,
        {{ local_date('coalesce(accounts.email_consent_at, dated_accounts.created_at)') }} as consent_answered_on,
        accounts.sms_consent,
        coalesce(accounts.sms_consent_at, dated_accounts.created_at) as sms_consent_answered_at,
        {{ local_date('coalesce(accounts.sms_consent_at, dated_accounts.created_at)') }} as sms_consent_answered_on,
        accounts.ads_consent,
        coalesce(accounts.ads_consent_at, dated_accounts.created_at) as ads_consent_answered_at,
        {{ local_date('coalesce(accounts.ads_consent_at, dated_accounts.created_at)') }} as ads_consent_answered_on,
        dated_accounts.created_at,
        case
            when dated_accounts.first_ordered_at < dated_accounts.created_at then dated_accounts.first_ordered_on
            else {{ local_date('dated_accounts.created_at') }}
        end as created_on,
        accounts.updated_at,
        accounts.is_test or forgotten_customers.hashed_id is not null as is_left_out
    from accounts
    inner join dated_accounts on accounts.account_id = dated_accounts.account_id
    left join {{ ref('forgotten_customers') }} as forgotten_customers
        on {{ sha256_hex('accounts.account_id') }} = forgotten_customers.hashed_id
    where
        {{ local_date('dated_accounts.created_at') }} <= {{ as_of_date() }}
        or dated_accounts.first_ordered_on is not null

),

emails as (

    select
        normalized_email,
        count(*) > {{ var('max_accounts_per_email') }} as is_shared
    from visible_accounts
    where normalized_email is not null
    group by normalized_email

),

-- Accounts merge by an email that is theirs alone; the others stay apart, each by its own id.
merge_keys as (

    select
        visible_accounts.*,
        coalesce(emails.is_shared, false) as has_shared_email,
        case when not emails.is_shared then emails.normalized_email end as merging_email,
        case when coalesce(emails.is_shared, true) then visible_accounts.account_id end as unmerged_account_id
    from visible_accounts
    left join emails on visible_accounts.normalized_email = emails.normalized_email

)

select
    account_id,
    first_value(account_id) over (
        partition by merging_email, unmerged_account_id
        order by created_at, {{ binary_collation('account_id') }}
        rows between unbounded preceding and current row
    ) as customer_id,
    max(case when is_left_out then 1 else 0 end) over (partition by merging_email, unmerged_account_id) = 1 as is_test_customer,
    normalized_email,
    has_shared_email,
    phone,
    first_name,
    last_name,
    postal_code,
    birth_date,
    country_code,
    city,
    acquisition_channel,
    email_consent,
    consent_answered_at,
    consent_answered_on,
    sms_consent,
    sms_consent_answered_at,
    sms_consent_answered_on,
    ads_consent,
    ads_consent_answered_at,
    ads_consent_answered_on,
    created_on,
    updated_at
from merge_keys
