-- One row per purchase: a paid order with net revenue above 0. Money is in the reporting currency.
with

orders as (

    select * from {{ ref('int_orders') }}
    where is_paid

),

rates as (

    select * from {{ ref('int_exchange_rates') }}

),

line_totals as (

    select
        order_id,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(case when is_fully_refunded then 0 else cost end) as cost,
        {{ dbt.bool_or("cost is null and not is_fully_refunded") }} as has_unknown_cost,
        {{ dbt.bool_or("is_discounted") }} as is_discounted
    from {{ ref('int_order_lines') }}
    group by order_id

),

refund_totals as (

    select
        order_id,
        sum(amount) as refunded_amount
    from {{ ref('stg_refunds') }}
    where refunded_on <= {{ as_of_date() }}
    group by order_id

),

priced as (

    select
        orders.order_id,
        orders.customer_id,
        orders.ordered_at as purchased_at,
        orders.ordered_on as purchased_on,
        case when orders.currency = '{{ var("reporting_currency") }}' then 1 else rates.rate end as rate,
        line_totals.gross_amount,
        line_totals.discount_amount + orders.discount_amount as discount_amount,
        coalesce(refund_totals.refunded_amount, 0) as refunded_amount,
        case when not line_totals.has_unknown_cost then line_totals.cost end as cost,
        line_totals.is_discounted or orders.discount_amount > 0 as is_discounted
    from orders
    inner join line_totals on orders.order_id = line_totals.order_id
    left join refund_totals on orders.order_id = refund_totals.order_id
    left join rates
        on
            orders.currency = rates.currency
            and orders.ordered_on >= rates.rated_on
            and (orders.ordered_on < rates.next_rated_on or rates.next_rated_on is null)

),

converted as (

    select
        order_id,
        customer_id,
        purchased_at,
        purchased_on,
        cast(round(gross_amount * rate, 6) as {{ decimal_type(28, 6) }}) as gross_amount,
        cast(round(discount_amount * rate, 6) as {{ decimal_type(28, 6) }}) as discount_amount,
        cast(round(refunded_amount * rate, 6) as {{ decimal_type(28, 6) }}) as refunded_amount,
        cast(round((gross_amount - discount_amount - refunded_amount) * rate, 2) as {{ decimal_type(18, 2) }}) as net_revenue,
        cast(round(cost, 6) as {{ decimal_type(28, 6) }}) as cost,
        is_discounted
    from priced

)

select
    order_id,
    customer_id,
    purchased_at,
    purchased_on,
    gross_amount,
    discount_amount,
    refunded_amount,
    net_revenue,
    cost,
    cast(net_revenue - cost as {{ decimal_type(28, 6) }}) as gross_margin,
    is_discounted
from converted
where net_revenue > 0
