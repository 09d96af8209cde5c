-- One row per email that accounts of other sources have, with the account that was created first.
{{ config(
    enabled='klaviyo' in connectors_of('customers') + connectors_of('sessions'),
    materialized='table'
) }}
{% set columns = ['customer_id', 'email', 'created_at', 'email_consent_at', 'is_deleted', 'updated_at'] %}

with

accounts as (

    {% for connector in connectors_of('customers') if connector != 'klaviyo' %}
    select {{ columns | join(', ') }} from {{ ref(connector ~ '__customers') }}
    union all
    {% endfor %}
    select {{ columns | join(', ') }} from {{ own_raw_table('customers') }}

),

versions as (

    select
        *,
        row_number() over (
            partition by customer_id
            order by
                updated_at desc, case when is_deleted then 0 else 1 end, created_at desc nulls last,
                {{ binary_collation('email') }}
        ) as place
    from accounts
    where customer_id is not null and updated_at is not null

),

first_orders as (

    select
        customer_id,
        min(ordered_at) as first_ordered_at
    from {{ raw_table('orders') }}
    where not coalesce(is_test, false)
    group by customer_id

),

-- When an account was created without saying so, the raw contract says.
dated as (

    select
        versions.customer_id,
        {{ normalized_email('versions.email') }} as normalized_email,
        coalesce(versions.created_at, first_orders.first_ordered_at, versions.email_consent_at, versions.updated_at) as created_at
    from versions
    left join first_orders on versions.customer_id = first_orders.customer_id
    where versions.place = 1 and not coalesce(versions.is_deleted, false)

),

ranked as (

    select
        *,
        row_number() over (partition by normalized_email order by created_at, {{ binary_collation('customer_id') }}) as place,
        count(*) over (partition by normalized_email) as sharing_accounts
    from dated
    where normalized_email is not null

)

select
    normalized_email,
    created_at,
    case when sharing_accounts <= {{ var('max_accounts_per_email') }} then customer_id end as customer_id
from ranked
where place = 1
