-- One row per session of a profile. Its account is the profile itself where profiles are accounts, else that with its email.
{{ config(enabled='klaviyo' in connectors_of('sessions'), materialized='table') }}

with

sessions as (

    select
        session_id,
        min(source_name) as source_name,
        min(person_id) as person_id,
        min(normalized_email) as normalized_email,
        min(occurred_at) as started_at,
        max(loaded_at) as loaded_at,
        max(source_error) as source_error
    from {{ ref('klaviyo__visits') }}
    group by session_id

),

accounts_elsewhere as (

    select * from {{ ref('klaviyo__accounts_elsewhere') }}

)

select
    sessions.session_id,
    'klaviyo:' || sessions.person_id as visitor_id,
    {% if 'klaviyo' in connectors_of('customers') -%}
    case
        when sessions.source_name in ({{ klaviyo_entries('customers') }}) then 'klaviyo:' || sessions.person_id
        else accounts_elsewhere.customer_id
    end as customer_id,
    {%- else -%}
    accounts_elsewhere.customer_id,
    {%- endif %}
    sessions.started_at,
    {{ cannot_tell('sessions', ['channel', 'campaign_id', 'device', 'is_bot']) }},
    sessions.loaded_at,
    sessions.source_error
from sessions
left join accounts_elsewhere on sessions.normalized_email = accounts_elsewhere.normalized_email
