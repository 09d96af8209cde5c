-- One row per delivered row of raw.refunds, in its names, with its row status.
{% set raw = raw_contract('refunds') %}

with

validated as (

    select
        *,
        {{ validation_error(raw, forbidden={
            'negative amount': "amount < 0"
        }) }} as validation_error
    from {{ raw_table('refunds') }}

),

accepted_orders as (

    select order_id as accepted_order_id from {{ ref('base_orders') }}
    where row_status = 'kept'

),

ranked as (

    select
        validated.*,
        case when accepted_orders.accepted_order_id is null then 'unknown or rejected order' end as orphan_error,
        {{ version_rank(raw) }} as version_rank
    from validated
    left join accepted_orders on validated.order_id = accepted_orders.accepted_order_id

)

select
    {{ raw.columns | join(',\n    ') }},
    {{ row_status_columns(raw) }}
from ranked
