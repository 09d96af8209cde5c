-- One row per credit slip and line of the order. A slip says the price of the goods before vouchers: at most what was paid for
-- the line went back.
{{ config(enabled=is_connected('prestashop')) }}

with

slips as (

    {{ newest_loaded('prestashop', 'order_slip') }}

),

slip_lines as (

    {{ newest_loaded('prestashop', 'order_slip_detail') }}

),

orders as (

    select * from {{ ref('prestashop__orders') }}

),

order_lines as (

    select
        order_id,
        order_line_id,
        cast(quantity * unit_price as {{ decimal_type(28, 6) }}) as gross_amount
    from {{ ref('prestashop__order_lines') }}
    where not is_deleted

),

totals as (

    select
        order_lines.*,
        cast(sum(order_lines.gross_amount) over (
            partition by order_lines.order_id order by {{ binary_collation('order_lines.order_line_id') }}
            rows between unbounded preceding and current row
        ) as {{ decimal_type(28, 6) }}) as gross_amount_so_far,
        cast(sum(order_lines.gross_amount) over (partition by order_lines.order_id) as {{ decimal_type(28, 6) }})
            as order_gross_amount
    from order_lines

),

discounted as (

    select
        totals.*,
        cast(least(orders.discount_amount, totals.order_gross_amount) as {{ decimal_type(18, 6) }}) as discount_amount
    from totals
    inner join orders on totals.order_id = orders.order_id

),

-- A line's share of the discount is what falls to the lines up to it, less what falls to those before it: the shares add up to
-- the discount.
paid as (

    select
        order_line_id,
        greatest(
            gross_amount
            - {{ prestashop_share('discount_amount', 'gross_amount_so_far', 'order_gross_amount') }}
            + {{ prestashop_share('discount_amount', '(gross_amount_so_far - gross_amount)', 'order_gross_amount') }},
            0
        ) as paid_amount
    from discounted

),

delivered as (

    select
        slips.id_order_slip,
        slips.id_order,
        slips.source_name,
        slips.date_add,
        slips.date_upd,
        slip_lines.id_order_detail,
        slip_lines.amount_tax_excl as amount,
        paid.paid_amount,
        {{ without_prefix('slip_lines.id_order_detail', 'slip_lines.id_prefix') }} as bare_order_line_id,
        {{ is_deleted_in_source('slips') }} or {{ is_deleted_in_source('slip_lines') }} as is_deleted,
        coalesce(slip_lines.loaded_at, slips.loaded_at) as loaded_at,
        coalesce(slips.source_error, slip_lines.source_error) as source_error
    from slip_lines
    inner join slips on slip_lines.id_order_slip = slips.id_order_slip
    left join paid on slip_lines.id_order_detail = paid.order_line_id

),

running as (

    select
        *,
        sum(case when amount > 0 and not is_deleted then amount else 0 end) over (
            partition by id_order_detail order by date_add, {{ binary_collation('id_order_slip') }}
            rows between unbounded preceding and current row
        ) as amount_so_far
    from delivered

)

select
    id_order_slip || '-' || bare_order_line_id as refund_id,
    id_order as order_id,
    id_order_detail as order_line_id,
    {{ prestashop_moment('date_add', 'source_name') }} as refunded_at,
    cast(
        case
            when amount > 0 and not is_deleted and paid_amount is not null
                then least(amount_so_far, paid_amount) - least(amount_so_far - amount, paid_amount)
            else amount
        end as {{ decimal_type(18, 6) }}
    ) as amount,
    {{ cannot_tell('refunds', ['reason']) }},
    {{ prestashop_moment('coalesce(date_upd, date_add)', 'source_name') }} as updated_at,
    is_deleted,
    loaded_at,
    source_error
from running
