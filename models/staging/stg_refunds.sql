-- One row per refund.
select
    refund_id,
    order_id,
    order_line_id,
    refunded_at,
    {{ local_date('refunded_at') }} as refunded_on,
    amount,
    reason,
    updated_at
from {{ ref('base_refunds') }}
where row_status = 'kept'
