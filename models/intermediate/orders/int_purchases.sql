-- One row per purchase: a paid order with net revenue above 0. Money is in the reporting currency.
with

orders as (

    select * from {{ ref('int_orders') }}
    where is_paid

),

rates as (

    select * from {{ ref('int_exchange_rates') }}

),

-- Asked per date, not per order: orders are many times as many.
dated_rates as (

    select
        order_dates.currency,
        order_dates.ordered_on,
        rates.rate
    from (
        select distinct
            currency,
            ordered_on
        from orders
    ) as order_dates
    inner join rates
        on
            order_dates.currency = rates.currency
            and {{ rate_holds_on('order_dates.ordered_on') }}

),

line_totals as (

    select
        order_id,
        sum(gross_amount) as gross_amount,
        coalesce(sum(gross_remainder), 0) as gross_remainder,
        sum(discount_amount) as discount_amount,
        sum(case when is_fully_refunded or is_foreign_cost then 0 else cost end) as cost,
        coalesce(sum(case when is_fully_refunded or is_foreign_cost then 0 else cost_remainder end), 0) as cost_remainder,
        sum(case when is_foreign_cost and not is_fully_refunded then cost else 0 end) as foreign_cost,
        sum(case when is_foreign_cost and not is_fully_refunded then cost_remainder else 0 end) as foreign_cost_remainder,
        {{ dbt.bool_or("cost is null and not is_fully_refunded") }} as has_unknown_cost,
        {{ dbt.bool_or("is_discounted") }} as is_discounted
    from {{ ref('int_order_lines') }}
    group by order_id

),

refund_totals as (

    select
        order_id,
        sum(refunded_amount) as refunded_amount
    from {{ ref('int_refunds') }}
    group by order_id

),

priced as (

    select
        orders.order_id,
        orders.customer_id,
        orders.ordered_at as purchased_at,
        orders.ordered_on as purchased_on,
        {{ local_date('orders.delivered_at') }} as delivered_on,
        case when orders.currency = '{{ var("reporting_currency") }}' then 1 else dated_rates.rate end as rate,
        line_totals.gross_amount,
        line_totals.gross_remainder,
        line_totals.discount_amount + orders.discount_amount as discount_amount,
        coalesce(refund_totals.refunded_amount, 0) as refunded_amount,
        line_totals.gross_amount
        - line_totals.discount_amount - orders.discount_amount - coalesce(refund_totals.refunded_amount, 0) as net_amount,
        case when not line_totals.has_unknown_cost then line_totals.cost end as cost,
        line_totals.cost_remainder,
        line_totals.foreign_cost,
        line_totals.foreign_cost_remainder,
        line_totals.is_discounted or orders.discount_amount > 0 as is_discounted
    from orders
    inner join line_totals on orders.order_id = line_totals.order_id
    left join refund_totals on orders.order_id = refund_totals.order_id
    left join dated_rates on orders.currency = dated_rates.currency and orders.ordered_on = dated_rates.ordered_on

),

converted as (

    select
        order_id,
        customer_id,
        purchased_at,
        purchased_on,
        delivered_on,
        case
            when gross_remainder = 0 then {{ converted('gross_amount', 'rate') }}
            else cast((gross_amount + gross_remainder) * rate as {{ decimal_type(28, 6) }})
        end as gross_amount,
        {{ converted('discount_amount', 'rate') }} as discount_amount,
        {{ converted('refunded_amount', 'rate') }} as refunded_amount,
        -- What fits into 64 bits is rounded there.
        case
            when rate = 1 and gross_remainder = 0 and abs(net_amount) < 1000000000000
                then cast(round(cast(net_amount as {{ decimal_type(18, 6) }}), 2) as {{ decimal_type(18, 2) }})
            else cast(round((net_amount + gross_remainder) * rate, 2) as {{ decimal_type(18, 2) }})
        end as net_revenue,
        case
            when foreign_cost_remainder <> 0
                then cast(cost + cost_remainder + (foreign_cost + foreign_cost_remainder) * rate as {{ decimal_type(28, 6) }})
            when foreign_cost <> 0 then cast(cost + cost_remainder + foreign_cost * rate as {{ decimal_type(28, 6) }})
            when cost_remainder = 0 then cast(cost as {{ decimal_type(28, 6) }})
            else cast(cost + cost_remainder as {{ decimal_type(28, 6) }})
        end as cost,
        is_discounted
    from priced

)

select
    order_id,
    customer_id,
    purchased_at,
    purchased_on,
    -- A delivery after the as-of date is not known yet.
    case when delivered_on <= {{ as_of_date() }} then delivered_on end as delivered_on,
    gross_amount,
    discount_amount,
    refunded_amount,
    net_revenue,
    cost,
    cast(net_revenue - cost as {{ decimal_type(28, 6) }}) as gross_margin,
    is_discounted
from converted
where net_revenue > 0
