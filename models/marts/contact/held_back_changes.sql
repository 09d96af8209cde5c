-- One row per date that was run and customer whose next message began to be held back, or is held back no more. A log with the
-- rules of the history: a run writes the rows of its own date alone, so that running a date again replaces them.
-- depends_on: {{ ref('forgotten_customers') }}
{{ config(
    materialized='incremental',
    unique_key='as_of_date',
    on_schema_change='append_new_columns',
    full_refresh=false,
    pre_hook='{{ forget_in_held_back_changes(this) }}'
) }}
with

held_back as (

    select customer_id from {{ ref('int_next_messages') }}
    where held_back_by is not null

),

formerly_held_back as (

    {% if is_incremental() %}
    {{ held_back_before(this) }}
    {% else %}
    select * from held_back
    where 1 = 0
    {% endif %}

),

changes as (

    select
        held_back.customer_id,
        'held back' as change
    from held_back
    left join formerly_held_back on held_back.customer_id = formerly_held_back.customer_id
    where formerly_held_back.customer_id is null

    union all

    select
        formerly_held_back.customer_id,
        'released' as change
    from formerly_held_back
    left join held_back on formerly_held_back.customer_id = held_back.customer_id
    where held_back.customer_id is null

)

select
    {{ as_of_date() }} as as_of_date,
    customer_id,
    change
from changes
