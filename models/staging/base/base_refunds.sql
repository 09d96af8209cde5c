-- One row per delivered row of raw.refunds, with its verdict.
{% set columns = [
    'refund_id',
    'order_id',
    'order_line_id',
    'refunded_at',
    'amount',
    'reason',
    'updated_at',
    'is_deleted'
] %}
{% set readable = ['refunded_at', 'amount', 'updated_at', 'is_deleted', 'loaded_at'] %}

with

judged as (

    select
        *,
        {{ row_fault(
            required=['refund_id', 'order_id', 'refunded_at', 'amount', 'updated_at'],
            readable=readable,
            forbidden={
                'negative amount': "amount < 0"
            }
        ) }} as row_fault
    from {{ source('raw', 'refunds') }}

),

accepted_orders as (

    select order_id as accepted_order_id from {{ ref('base_orders') }}
    where verdict = 'kept'

),

ranked as (

    select
        judged.*,
        case when accepted_orders.accepted_order_id is null then 'unknown or rejected order' end as relation_fault,
        {{ version_rank(
            key=['judged.refund_id'],
            order_by=[
                by_code_point('judged.order_id'),
                by_code_point('judged.order_line_id'),
                'judged.refunded_at',
                'judged.amount',
                by_code_point('judged.reason')
            ],
            has_versions=true
        ) }} as version_rank
    from judged
    left join accepted_orders on judged.order_id = accepted_orders.accepted_order_id

)

select
    refund_id,
    order_id,
    order_line_id,
    refunded_at,
    {{ local_date('refunded_at') }} as refunded_on,
    amount,
    reason,
    updated_at,
    {{ verdict_columns(columns, readable, versions_of=['refund_id']) }}
from ranked
