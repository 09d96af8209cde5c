-- One row per event of a profile on the shop's pages, with the session it is part of. A new session begins more than 30 minutes
-- after the event before.
{{ config(enabled='klaviyo' in connectors_of('sessions'), materialized='table') }}
{% set in_order = 'occurred_at, ' ~ binary_collation('event_id') %}

with

visits as (

    select
        *,
        lag(occurred_at) over (partition by person_id order by {{ in_order }}) as previous_at
    from {{ ref('klaviyo__events') }}
    where
        table_name in ('sessions', 'web_events')
        and left_out_reason is null
        and source_name in ({{ klaviyo_entries('sessions') }})

),

numbered as (

    select
        *,
        sum(case when occurred_at <= {{ dbt.dateadd('minute', 30, 'previous_at') }} then 0 else 1 end) over (
            partition by person_id order by {{ in_order }} rows between unbounded preceding and current row
        ) as visit_number
    from visits

)

select
    'klaviyo:' || first_value(event_id) over (
        partition by person_id, visit_number order by {{ in_order }} rows between unbounded preceding and current row
    ) as session_id,
    event_id,
    event_type,
    person_id,
    normalized_email,
    variant_id,
    product_id,
    sku,
    occurred_at,
    loaded_at,
    source_error,
    source_name
from numbered
