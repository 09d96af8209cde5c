-- One row per profile of Klaviyo, its newest version. Events of deleted profiles keep their email: a refusal still holds.
{{ config(enabled=is_connected('klaviyo'), materialized='table') }}

with

persons as (

    {{ loaded('klaviyo', 'person') }}

),

versions as (

    select
        *,
        row_number() over (
            partition by id
            order by
                updated desc nulls last, _fivetran_synced desc nulls last, case when _fivetran_deleted then 0 else 1 end,
                {{ binary_collation('email') }}
        ) as place
    from persons

)

select
    id as person_id,
    email,
    {{ normalized_email('email') }} as normalized_email,
    phone_number,
    first_name,
    last_name,
    zip,
    city,
    country,
    created,
    updated,
    subscriptions_email_marketing_consent,
    subscriptions_email_marketing_timestamp,
    coalesce(_fivetran_deleted, false) as is_deleted,
    _fivetran_synced as loaded_at,
    source_error,
    source_name
from versions
where place = 1
