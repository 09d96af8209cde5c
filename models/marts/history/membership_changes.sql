-- One row per customer who entered or left a segment, lifecycle stage or RFM group on a date that was run, and one per
-- segment registered then. The log that all history follows from: a run writes the rows of its own date alone, so that
-- running a date again replaces them.
-- depends_on: {{ ref('forgotten_customers') }}
{{ config(
    materialized='incremental',
    unique_key='as_of_date',
    on_schema_change='fail',
    full_refresh=false,
    pre_hook='{{ forget_in_history(this) }}'
) }}
with

current_states as (

    select
        'segment' as kind,
        segment as state,
        customer_id
    from {{ ref('segment_memberships') }}

    union all

    select
        'lifecycle_stage' as kind,
        lifecycle_stage as state,
        customer_id
    from {{ ref('customers') }}

    union all

    select
        'rfm_group' as kind,
        coalesce(rfm_group, 'unscored') as state,
        customer_id
    from {{ ref('customers') }}

),

former_states as (

    {% if is_incremental() %}
    select
        kind,
        state,
        customer_id
    from {{ this }}
    where as_of_date < {{ as_of_date() }} and change_type in ('entered', 'exited')
    group by kind, state, customer_id
    having sum(case when change_type = 'entered' then 1 else -1 end) = 1
    {% else %}
    select * from current_states
    where 1 = 0
    {% endif %}

),

changes as (

    select
        coalesce(current_states.kind, former_states.kind) as kind,
        coalesce(current_states.state, former_states.state) as state,
        coalesce(current_states.customer_id, former_states.customer_id) as customer_id,
        case when former_states.customer_id is null then 'entered' else 'exited' end as change_type
    from current_states
    full outer join former_states
        on
            current_states.kind = former_states.kind
            and current_states.state = former_states.state
            and current_states.customer_id = former_states.customer_id
    where current_states.customer_id is null or former_states.customer_id is null

),

registered as (

    select
        'segment' as kind,
        segment as state,
        cast(null as {{ dbt.type_string() }}) as customer_id,
        'registered' as change_type
    from {{ ref('segments') }}

),

rows_of_the_date as (

    select * from changes
    union all
    select * from registered

)

select
    {{ as_of_date() }} as as_of_date,
    kind,
    state,
    customer_id,
    change_type
from rows_of_the_date
