-- One row per customer who entered or left a segment, lifecycle stage or RFM group on a date that was run, per stay that went on
-- under another id, and per segment registered then. The log that all history follows from: a run writes the rows of its own date
-- alone, so that running a date again replaces them.
-- depends_on: {{ ref('forgotten_customers') }}
{{ config(
    materialized='incremental',
    unique_key='as_of_date',
    on_schema_change='append_new_columns',
    full_refresh=false,
    pre_hook=['{{ forget_in_history(this) }}', '{{ forget_successors(this) }}']
) }}
{% set sale_segments = registered_segments() | selectattr('follows_sale') | map(attribute='name') | join("', '") %}
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

current_sale as (

    select * from {{ ref('int_current_sale') }}

),

-- Under the ids by which customers were known on the date before.
recorded_states as (

    {% if is_incremental() %}
    select
        kind,
        state,
        customer_id
    from {{ this }}
    where as_of_date < {{ as_of_date() }} and change_type <> 'registered'
    group by kind, state, customer_id
    having sum({{ customers_gained() }}) = 1
    {% else %}
    select * from current_states
    where 1 = 0
    {% endif %}

),

changed_ids as (

    select
        account_id as former_id,
        customer_id
    from {{ ref('int_known_ids') }}
    where account_id <> customer_id

),

handed_over as (

    select
        recorded_states.kind,
        recorded_states.state,
        recorded_states.customer_id as former_id,
        changed_ids.customer_id
    from recorded_states
    inner join changed_ids on recorded_states.customer_id = changed_ids.former_id

),

-- With the states that the new ids had of their own.
met as (

    select * from handed_over

    union all

    select
        kind,
        state,
        customer_id as former_id,
        customer_id
    from recorded_states
    where customer_id in (select handed_over.customer_id from handed_over)

),

last_entries as (

    {% if is_incremental() %}
    select
        kind,
        state,
        customer_id,
        {{ logged_entry(this) }} as entered_on,
        row_number() over (partition by state, customer_id order by as_of_date desc) as recency_rank
    from {{ this }}
    where
        as_of_date < {{ as_of_date() }}
        and kind = 'segment'
        and change_type in ('entered', 'continued', 'merged')
        and customer_id in (select met.former_id from met)
    {% else %}
    select
        kind,
        state,
        customer_id,
        {{ as_of_date() }} as entered_on,
        1 as recency_rank
    from recorded_states
    {% endif %}

),

-- Of stays that meet, the earlier beginning holds. A customer has one stage and one group: the new id's own before a former id's.
resolved as (

    select
        met.*,
        min(last_entries.entered_on) over (
            partition by met.kind, met.customer_id, case when met.kind = 'segment' then met.state end
        ) as entered_on,
        count(*) over (partition by met.kind, met.customer_id, case when met.kind = 'segment' then met.state end) as states_met,
        row_number() over (
            partition by met.kind, met.customer_id, case when met.kind = 'segment' then met.state end
            order by case when met.former_id = met.customer_id then 0 else 1 end, {{ binary_collation('met.former_id') }}
        ) as holding_rank
    from met
    left join last_entries
        on
            met.kind = last_entries.kind
            and met.state = last_entries.state
            and met.former_id = last_entries.customer_id
            and last_entries.recency_rank = 1

),

-- The states of the date before, of the people that the ids stand for today.
former_states as (

    select
        recorded_states.kind,
        recorded_states.state,
        recorded_states.customer_id
    from recorded_states
    left join changed_ids on recorded_states.customer_id = changed_ids.former_id
    where changed_ids.former_id is null

    union all

    select
        kind,
        state,
        customer_id
    from resolved
    where holding_rank = 1 and former_id <> customer_id

),

changes as (

    select
        coalesce(current_states.kind, former_states.kind) as kind,
        coalesce(current_states.state, former_states.state) as state,
        coalesce(current_states.customer_id, former_states.customer_id) as customer_id,
        case when former_states.customer_id is null then 'entered' else 'exited' end as change_type,
        cast(null as date) as entered_on,
        cast(null as {{ dbt.type_string() }}) as continued_as,
        cast(null as {{ dbt.type_string() }}) as edition
    from current_states
    full outer join former_states
        on
            current_states.kind = former_states.kind
            and current_states.state = former_states.state
            and current_states.customer_id = former_states.customer_id
    where current_states.customer_id is null or former_states.customer_id is null

),

handovers as (

    select
        kind,
        state,
        former_id as customer_id,
        'handed_over' as change_type,
        cast(null as date) as entered_on,
        customer_id as continued_as,
        cast(null as {{ dbt.type_string() }}) as edition
    from handed_over

),

continuations as (

    select
        kind,
        state,
        customer_id,
        case when former_id = customer_id then 'merged' else 'continued' end as change_type,
        entered_on,
        cast(null as {{ dbt.type_string() }}) as continued_as,
        cast(null as {{ dbt.type_string() }}) as edition
    from resolved
    where
        holding_rank = 1
        and (former_id <> customer_id or (kind = 'segment' and states_met > 1))

),

registered as (

    select
        'segment' as kind,
        segments.segment as state,
        cast(null as {{ dbt.type_string() }}) as customer_id,
        'registered' as change_type,
        cast(null as date) as entered_on,
        cast(null as {{ dbt.type_string() }}) as continued_as,
        case
            when segments.segment in ('{{ sale_segments }}')
                then current_sale.sale_campaign_id
        end as edition
    from {{ ref('segments') }} as segments
    left join current_sale on true

),

rows_of_the_date as (

    select * from changes
    union all
    select * from handovers
    union all
    select * from continuations
    union all
    select * from registered

)

select
    {{ as_of_date() }} as as_of_date,
    kind,
    state,
    customer_id,
    change_type,
    entered_on,
    continued_as,
    edition
from rows_of_the_date
