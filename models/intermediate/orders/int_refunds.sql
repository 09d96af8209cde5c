-- One row per order and line that refunds up to the as-of date name; the line is null where they are of the order as a whole.
-- A refund of amount 0 was taken back, and is none.
select
    order_id,
    order_line_id,
    sum(amount) as refunded_amount
from {{ ref('stg_refunds') }}
where refunded_on <= {{ as_of_date() }} and amount > 0
group by order_id, order_line_id
