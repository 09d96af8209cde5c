-- One row per line of a refund, and per refund without lines, where money went back.
{{ config(enabled=is_connected('shopify')) }}

with

refunds as (

    {{ loaded('shopify', 'refund') }}

),

refund_lines as (

    select * from {{ ref('shopify__refund_lines') }}
    where (amount > 0 or source_error is not null) and not is_gift_card

),

line_amounts as (

    select * from {{ ref('shopify__line_amounts') }}

),

order_amounts as (

    select
        order_id,
        max(order_tax) as order_tax,
        max(order_taxable) as order_taxable
    from line_amounts
    group by order_id

),

-- A refund without a line, or with one that is unknown, holds tax as its order does.
taxed as (

    select
        refund_lines.*,
        case when refund_lines.holds_tax then coalesce(line_amounts.tax, order_amounts.order_tax, 0) else 0 end as tax,
        coalesce(line_amounts.taxable, order_amounts.order_taxable, 0) as taxable
    from refund_lines
    left join line_amounts
        on refund_lines.order_line_id = line_amounts.order_line_id and refund_lines.order_id = line_amounts.order_id
    left join order_amounts on refund_lines.order_id = order_amounts.order_id

)

select
    taxed.refund_id,
    taxed.order_id,
    taxed.order_line_id,
    coalesce(refunds.processed_at, refunds.created_at) as refunded_at,
    {{ without_tax('taxed.amount', 'taxed.tax', 'taxed.taxable') }} as amount,
    refunds.note as reason,
    coalesce(refunds.updated_at, refunds.created_at, refunds.processed_at) as updated_at,
    {{ cannot_tell('refunds', ['is_deleted']) }},
    taxed.loaded_at,
    taxed.source_error
from taxed
left join refunds on taxed.of_refund_id = refunds.id
