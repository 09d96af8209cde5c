-- One row per profile of Klaviyo, as an account.
{{ config(enabled='klaviyo' in connectors_of('customers')) }}

with

persons as (

    select * from {{ ref('klaviyo__persons') }}
    where source_name in ({{ klaviyo_entries('customers') }})

),

accounts_elsewhere as (

    select * from {{ ref('klaviyo__accounts_elsewhere') }}

),

answers as (

    select
        person_id,
        case event_type when 'subscribe' then 'subscribed' else 'unsubscribed' end as answer,
        occurred_at as answered_at,
        loaded_at
    from {{ ref('klaviyo__events') }}
    where event_type in ('subscribe', 'unsubscribe') and left_out_reason is null
    union all
    -- Whoever was imported as a subscriber has no event that says so.
    select
        person_id,
        lower(subscriptions_email_marketing_consent) as answer,
        subscriptions_email_marketing_timestamp as answered_at,
        loaded_at
    from persons
    where lower(subscriptions_email_marketing_consent) in ('subscribed', 'unsubscribed')

),

-- Of answers given at one moment, the refusal counts.
newest_answers as (

    select
        *,
        row_number() over (
            partition by person_id
            order by answered_at desc nulls last, case answer when 'unsubscribed' then 0 else 1 end, loaded_at desc nulls last
        ) as place
    from answers

)

select
    'klaviyo:' || persons.person_id as customer_id,
    persons.email,
    persons.phone_number as phone,
    persons.first_name,
    persons.last_name,
    persons.zip as postal_code,
    -- The name of a country is no code.
    case when length(persons.country) = 2 then persons.country end as country_code,
    persons.city,
    -- The oldest of a person's accounts gives the customer their id: the shop's.
    case
        when persons.created > accounts_elsewhere.created_at or accounts_elsewhere.created_at is null then persons.created
        else {{ dbt.dateadd('second', 1, 'accounts_elsewhere.created_at') }}
    end as created_at,
    coalesce(newest_answers.answer, 'never') as email_consent,
    newest_answers.answered_at as email_consent_at,
    coalesce(persons.updated, persons.created, persons.loaded_at) as updated_at,
    persons.is_deleted,
    {{ cannot_tell('customers', [
        'birth_date', 'acquisition_channel', 'sms_consent', 'sms_consent_at', 'ads_consent', 'ads_consent_at', 'is_test'
    ]) }},
    greatest(persons.loaded_at, coalesce(newest_answers.loaded_at, persons.loaded_at)) as loaded_at,
    persons.source_error
from persons
left join accounts_elsewhere on persons.normalized_email = accounts_elsewhere.normalized_email
left join newest_answers on persons.person_id = newest_answers.person_id and newest_answers.place = 1
