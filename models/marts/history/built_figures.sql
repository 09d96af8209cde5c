-- One row per date that was run, figure and what it is of: what the warnings of later dates compare themselves with. A log like
-- membership_changes: a run writes the rows of its own date alone.
{{ config(
    materialized='incremental',
    unique_key='as_of_date',
    on_schema_change='append_new_columns',
    full_refresh=false
) }}
with

purchases as (

    select * from {{ ref('int_purchases') }}
    where purchased_on > {{ days_ago(90) }}

),

shares as (

    select
        'rejected_share' as figure,
        table_name as subject,
        {{ quotient('rejected_rows', 'received_rows', 8) }} as share
    from {{ ref('row_counts') }}

    union all

    select
        'contactable_share' as figure,
        'customers' as subject,
        {{ quotient('sum(case when is_contactable_by_email then 1 else 0 end)', 'count(*)', 8) }} as share
    from {{ ref('customers') }}

    union all

    select
        'unknown_cost_share' as figure,
        'purchases' as subject,
        {{ quotient('sum(case when cost is null then net_revenue else 0 end)', 'sum(net_revenue)', 8) }} as share
    from purchases

    union all

    -- Of everybody whom mail may reach: what programme_lift must know of earlier dates.
    select
        'global_holdout_share' as figure,
        'customers' as subject,
        cast({{ var('global_holdout_percent') / 100 }} as {{ decimal_type(18, 8) }}) as share

),

segments as (

    select * from {{ ref('segments') }}

)

select
    {{ as_of_date() }} as as_of_date,
    figure,
    subject,
    share,
    cast(null as {{ dbt.type_string() }}) as formula
from shares
where share is not null

union all

-- A segment's file as it stood, as a hash.
select
    {{ as_of_date() }} as as_of_date,
    'segment_formula' as figure,
    segment as subject,
    cast(null as {{ decimal_type(18, 8) }}) as share,
    cast(
        case segment
            when '' then ''
            {% for name, formula in segment_formulas().items() %}
            when '{{ name }}' then '{{ formula }}'
            {% endfor %}
        end as {{ dbt.type_string() }}
    ) as formula
from segments
