-- One row per customer: accounts of one person merged, and guests. Test customers are left out.
with

accounts as (

    select * from {{ ref('int_accounts') }}
    where not is_test_customer

),

newest_accounts as (

    select
        accounts.*,
        min(created_on) over (partition by customer_id) as customer_created_on,
        row_number() over (
            partition by customer_id order by updated_at desc, {{ binary_collation('account_id') }} desc
        ) as recency_rank
    from accounts

),

email_answers as (

    {{ newest_answers('accounts', 'email_consent', 'consent_answered', agreement='subscribed', refusal='unsubscribed') }}

),

sms_answers as (

    {{ newest_answers('accounts', 'sms_consent', 'sms_consent_answered', agreement='subscribed', refusal='unsubscribed') }}

),

ads_answers as (

    {{ newest_answers('accounts', 'ads_consent', 'ads_consent_answered', agreement='granted', refusal='denied') }}

),

account_customers as (

    select
        newest_accounts.customer_id,
        false as is_guest,
        newest_accounts.normalized_email,
        newest_accounts.has_shared_email,
        newest_accounts.phone,
        newest_accounts.first_name,
        newest_accounts.last_name,
        newest_accounts.postal_code,
        newest_accounts.birth_date,
        newest_accounts.country_code,
        newest_accounts.city,
        newest_accounts.acquisition_channel,
        newest_accounts.customer_created_on as created_on,
        case when email_answers.answer = 'subscribed' then email_answers.answered_at end as consented_at,
        case when email_answers.answer = 'subscribed' then email_answers.answered_on end as consented_on,
        coalesce(email_answers.answer = 'unsubscribed', false) as has_refused_consent,
        coalesce(sms_answers.answer = 'subscribed', false) as is_sms_subscribed,
        ads_answers.answer as ads_consent
    from newest_accounts
    left join email_answers on newest_accounts.customer_id = email_answers.customer_id
    left join sms_answers on newest_accounts.customer_id = sms_answers.customer_id
    left join ads_answers on newest_accounts.customer_id = ads_answers.customer_id
    where newest_accounts.recency_rank = 1

),

guest_customers as (

    select
        customer_id,
        true as is_guest,
        max(normalized_email) as normalized_email,
        false as has_shared_email,
        cast(null as {{ dbt.type_string() }}) as phone,
        cast(null as {{ dbt.type_string() }}) as first_name,
        cast(null as {{ dbt.type_string() }}) as last_name,
        cast(null as {{ dbt.type_string() }}) as postal_code,
        cast(null as date) as birth_date,
        cast(null as {{ dbt.type_string() }}) as country_code,
        cast(null as {{ dbt.type_string() }}) as city,
        cast(null as {{ dbt.type_string() }}) as acquisition_channel,
        min(ordered_on) as created_on,
        cast(null as {{ dbt.type_timestamp() }}) as consented_at,
        cast(null as date) as consented_on,
        false as has_refused_consent,
        false as is_sms_subscribed,
        cast(null as {{ dbt.type_string() }}) as ads_consent
    from {{ ref('int_orders') }}
    where customer_id = guest_id
    group by customer_id

),

customers as (

    select * from account_customers
    union all
    select * from guest_customers

)

select
    customers.*,
    {{ as_of_date() }} as as_of_date
from customers
