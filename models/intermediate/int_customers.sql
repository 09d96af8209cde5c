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
            partition by customer_id order by updated_at desc, {{ by_code_point('account_id') }} desc
        ) as recency_rank
    from accounts

),

-- Of answers given at the same moment, the refusal wins.
consent_answers as (

    select
        customer_id,
        email_consent,
        consent_answered_at,
        consent_answered_on,
        row_number() over (
            partition by customer_id
            order by consent_answered_at desc, case when email_consent = 'unsubscribed' then 0 else 1 end
        ) as recency_rank
    from accounts
    where
        email_consent in ('subscribed', 'unsubscribed')
        and consent_answered_on <= {{ as_of_date() }}

),

account_customers as (

    select
        newest_accounts.customer_id,
        false as is_guest,
        newest_accounts.compared_email,
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
        case when consent_answers.email_consent = 'subscribed' then consent_answers.consent_answered_at end as consented_at,
        case when consent_answers.email_consent = 'subscribed' then consent_answers.consent_answered_on end as consented_on,
        coalesce(consent_answers.email_consent = 'unsubscribed', false) as has_refused_consent
    from newest_accounts
    left join consent_answers
        on newest_accounts.customer_id = consent_answers.customer_id and consent_answers.recency_rank = 1
    where newest_accounts.recency_rank = 1

),

guest_customers as (

    select
        customer_id,
        true as is_guest,
        max(compared_email) as compared_email,
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
        false as has_refused_consent
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
