-- One row per event of an email. Klaviyo tells of no sending: its receipt stands for it.
{{ config(enabled='klaviyo' in connectors_of('email_events')) }}

select
    event_id,
    {{ cannot_tell('email_events', ['customer_id']) }},
    email,
    campaign_id,
    event_type,
    occurred_at,
    loaded_at,
    source_error
from {{ ref('klaviyo__events') }}
where
    table_name = 'email_events'
    and left_out_reason is null
    and source_name in ({{ klaviyo_entries('email_events') }})
