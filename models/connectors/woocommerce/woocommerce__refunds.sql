-- One row per refunded item, and per refund without items: a lump sum, with tax and shipping in it.
{{ config(enabled=is_connected('woocommerce')) }}

with

stored_orders as (

    select * from {{ ref('woocommerce__stored_orders') }}

),

order_lines as (

    select
        order_line_id,
        order_id,
        cast(quantity * unit_price - discount_amount as {{ decimal_type(18, 6) }}) as paid_amount,
        product_id
    from {{ ref('woocommerce__order_lines') }}

),

gift_cards as (

    select product_id from {{ ref('woocommerce__products') }}
    where is_gift_card

),

-- Gift cards are no sale, so that giving their money back is no refund of one.
items as (

    select
        items.*,
        items.order_item_type = 'line_item' and gift_cards.product_id is null as is_goods
    from {{ ref('woocommerce__items') }} as items
    left join gift_cards on items.product_id = gift_cards.product_id

),

order_totals as (

    select
        order_id,
        sum(case when is_goods then total_amount end) as goods_amount,
        max(case when has_amount then 1 else 0 end) = 1 as has_amount
    from items
    where not is_deleted
    group by order_id

),

refunds as (

    select
        refunds.order_id as refund_order_id,
        refunds.parent_order_id as order_id,
        refunds.created_at as refunded_at,
        refunds.refund_reason as reason,
        refunds.updated_at,
        refunds.is_deleted or orders.is_deleted as is_deleted,
        refunds.loaded_at,
        refunds.source_error,
        case when refunds.is_deleted then 0 else refunds.refund_amount end as refund_amount,
        orders.total_amount as order_total_amount
    from stored_orders as refunds
    inner join stored_orders as orders on refunds.parent_order_id = orders.order_id
    where
        refunds.order_type = 'shop_order_refund'
        and orders.order_type = 'shop_order'
        and coalesce(orders.status, '') <> 'draft'

),

refunded_items as (

    select
        items.order_item_id,
        refunds.refund_order_id,
        refunds.order_id,
        items.refunded_item_id,
        refunds.refunded_at,
        refunds.reason,
        refunds.updated_at,
        refunds.is_deleted or items.is_deleted as is_deleted,
        {{ latest_of(['items.loaded_at', 'refunds.loaded_at']) }} as loaded_at,
        coalesce(refunds.source_error, items.source_error) as source_error,
        abs(items.total_amount) as amount,
        order_lines.order_line_id is not null as is_of_line,
        order_lines.paid_amount,
        sum(case when refunds.is_deleted or items.is_deleted then 0 else abs(items.total_amount) end) over (
            partition by refunds.order_id, items.refunded_item_id
            order by refunds.refunded_at, {{ binary_collation('items.order_item_id') }}
            rows between unbounded preceding and current row
        ) as amount_so_far
    from items
    inner join refunds on items.order_id = refunds.refund_order_id
    left join order_lines on items.refunded_item_id = order_lines.order_line_id and refunds.order_id = order_lines.order_id
    where items.is_goods and coalesce(items.total_amount, 1) <> 0

),

-- Prices without tax have more places than the cents in which money goes back: what equals the price in cents is all of it.
whole_items as (

    select
        *,
        case
            when amount_so_far = round(paid_amount, 2) or abs(amount_so_far - paid_amount) < 0.0001 then paid_amount
            else amount_so_far
        end as whole_so_far
    from refunded_items

),

item_refunds as (

    select
        *,
        lag(whole_so_far) over (
            partition by order_id, refunded_item_id order by refunded_at, {{ binary_collation('order_item_id') }}
        ) as whole_before
    from whole_items

),

-- What goes back with a refund: its items, or of a lump sum the goods' share of the order's total.
refunded_amounts as (

    select
        refunds.*,
        not coalesce(refund_totals.has_amount, false) as is_lump_sum,
        order_totals.goods_amount as order_goods_amount,
        case
            when refund_totals.has_amount then abs(coalesce(refund_totals.goods_amount, 0))
            when order_totals.goods_amount < refunds.order_total_amount
                then {{ quotient('refunds.refund_amount * order_totals.goods_amount', 'refunds.order_total_amount', 2) }}
            else refunds.refund_amount
        end as goods_amount
    from refunds
    left join order_totals on refunds.order_id = order_totals.order_id
    left join order_totals as refund_totals on refunds.refund_order_id = refund_totals.order_id

),

running_totals as (

    select
        *,
        sum(goods_amount) over (
            partition by order_id order by refunded_at, {{ binary_collation('refund_order_id') }}
            rows between unbounded preceding and current row
        ) as goods_so_far,
        sum(refund_amount) over (
            partition by order_id order by refunded_at, {{ binary_collation('refund_order_id') }}
            rows between unbounded preceding and current row
        ) as refunded_so_far
    from refunded_amounts

),

-- The status Refunded makes a lump sum of all that is left.
covered as (

    select
        *,
        case
            when is_lump_sum and refunded_so_far + 0.005 > order_total_amount then order_goods_amount
            when goods_so_far > order_goods_amount then order_goods_amount
            else goods_so_far
        end as covered_amount
    from running_totals

),

lump_sums as (

    select
        *,
        covered_amount - coalesce(
            lag(covered_amount) over (partition by order_id order by refunded_at, {{ binary_collation('refund_order_id') }}), 0
        ) as amount
    from covered

)

select
    order_item_id as refund_id,
    order_id,
    refunded_item_id as order_line_id,
    refunded_at,
    cast(
        case when is_of_line and amount is not null then whole_so_far - coalesce(whole_before, 0) else amount end
        as {{ decimal_type(18, 6) }}
    ) as amount,
    reason,
    updated_at,
    is_deleted,
    loaded_at,
    source_error
from item_refunds
union all
select
    {{ dbt.concat(["'lump_sum:'", 'refund_order_id']) }} as refund_id,
    order_id,
    cast(null as {{ dbt.type_string() }}) as order_line_id,
    refunded_at,
    cast(amount as {{ decimal_type(18, 6) }}) as amount,
    reason,
    updated_at,
    is_deleted,
    loaded_at,
    source_error
from lump_sums
where is_lump_sum and (amount > 0 or is_deleted)
