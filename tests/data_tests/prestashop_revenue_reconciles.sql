-- The net revenue of each paid order is what PrestaShop says in the order's own totals: the total paid less shipping and
-- wrapping, to which free shipping is added back; and, of orders without vouchers, less what its credit slips say of each line,
-- up to the line's total. PrestaShop rounds by unit, line or order, and vouchers to cents.
-- A warning, as plugins write odd orders.
{{ config(enabled=is_connected('prestashop'), severity='warn') }}

with

orders as (

    {{ newest_loaded('prestashop', 'orders') }}

),

used_rules as (

    {{ newest_loaded('prestashop', 'order_cart_rule') }}

),

slips as (

    {{ newest_loaded('prestashop', 'order_slip') }}

),

slip_lines as (

    {{ newest_loaded('prestashop', 'order_slip_detail') }}

),

source_lines as (

    {{ newest_loaded('prestashop', 'order_detail') }}

),

lines as (

    select
        int_order_lines.order_id,
        sum(int_order_lines.gross_amount + int_order_lines.gross_remainder - int_order_lines.discount_amount) as goods
    from {{ ref('int_order_lines') }} as int_order_lines
    group by int_order_lines.order_id

),

units as (

    select
        order_id,
        sum(quantity) as units
    from {{ ref('prestashop__order_lines') }}
    where not is_deleted
    group by order_id

),

refunds as (

    select
        order_id,
        sum(refunded_amount) as refunded_amount
    from {{ ref('int_refunds') }}
    group by order_id

),

vouchers as (

    select
        orders.id_order,
        count(*) as vouchers,
        sum(case
            when used_rules.free_shipping then least(used_rules.value_tax_excl, orders.total_shipping_tax_excl) else 0
        end) as free_shipping
    from used_rules
    inner join orders on used_rules.id_order = orders.id_order
    where not coalesce(used_rules.deleted, false) and not {{ is_deleted_in_source('used_rules') }}
    group by orders.id_order

),

line_slips as (

    select
        slip_lines.id_order_detail,
        sum(slip_lines.amount_tax_excl) as amount
    from slip_lines
    inner join slips on slip_lines.id_order_slip = slips.id_order_slip
    where
        not {{ is_deleted_in_source('slips') }}
        and not {{ is_deleted_in_source('slip_lines') }}
        and {{ local_date(prestashop_moment('slips.date_add', 'slips.source_name')) }} <= {{ as_of_date() }}
    group by slip_lines.id_order_detail

),

slip_totals as (

    select
        source_lines.id_order,
        sum(least(line_slips.amount, source_lines.total_price_tax_excl)) as refunded_goods
    from line_slips
    inner join source_lines on line_slips.id_order_detail = source_lines.id_order_detail
    group by source_lines.id_order

),

compared as (

    select
        orders.id_order,
        lines.goods - int_orders.discount_amount as net_goods,
        coalesce(refunds.refunded_amount, 0) as refunded_amount,
        orders.total_paid_tax_excl - orders.total_shipping_tax_excl - coalesce(orders.total_wrapping_tax_excl, 0)
        + coalesce(vouchers.free_shipping, 0) as source_net_goods,
        coalesce(slip_totals.refunded_goods, 0) as source_refunded_goods,
        coalesce(vouchers.vouchers, 0) as vouchers,
        0.005 * (coalesce(units.units, 0) + coalesce(vouchers.vouchers, 0) + 1) as rounding
    from orders
    inner join {{ ref('int_orders') }} as int_orders on orders.id_order = int_orders.order_id
    inner join lines on orders.id_order = lines.order_id
    left join units on orders.id_order = units.order_id
    left join refunds on orders.id_order = refunds.order_id
    left join vouchers on orders.id_order = vouchers.id_order
    left join slip_totals on orders.id_order = slip_totals.id_order
    where int_orders.is_paid

)

select * from compared
where
    abs(net_goods - source_net_goods) > rounding
    or (vouchers = 0 and abs(refunded_amount - source_refunded_goods) > rounding)
