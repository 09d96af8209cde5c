-- One row per delivered row of raw.refunds, in its names, with its verdict.
{% set raw = raw_contract('refunds') %}

with

judged as (

    select
        *,
        {{ row_fault(raw, forbidden={
            'negative amount': "amount < 0"
        }) }} as row_fault
    from {{ raw_table('refunds') }}

),

accepted_orders as (

    select order_id as accepted_order_id from {{ ref('base_orders') }}
    where verdict = 'kept'

),

ranked as (

    select
        judged.*,
        case when accepted_orders.accepted_order_id is null then 'unknown or rejected order' end as relation_fault,
        {{ version_rank(raw) }} as version_rank
    from judged
    left join accepted_orders on judged.order_id = accepted_orders.accepted_order_id

)

select
    {{ raw.columns | join(',\n    ') }},
    {{ verdict_columns(raw) }}
from ranked
