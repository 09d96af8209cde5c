-- One row per calendar month of consent and channel of acquisition: who subscribed then, and how soon they ordered first.
with

first_orders as (

    select
        customer_id,
        min(ordered_on) as first_ordered_on
    from {{ ref('int_orders') }}
    where is_ordered and customer_id is not null
    group by customer_id

),

-- Who had ordered before has no days to a first order.
signups as (

    select
        {{ month_of('customers.consented_on') }} as month,
        {{ real_channel("coalesce(customers.acquisition_channel, 'unknown')") }} as channel,
        case
            when first_orders.first_ordered_on >= customers.consented_on
                then {{ days_between('customers.consented_on', 'first_orders.first_ordered_on') }}
        end as days_to_first_order
    from {{ ref('int_customers') }} as customers
    left join first_orders on customers.customer_id = first_orders.customer_id
    where customers.consented_on is not null

),

totals as (

    select
        month,
        channel,
        count(*) as subscribed_customers,
        count(case when days_to_first_order <= 30 then 1 end) as first_orders_30d,
        count(case when days_to_first_order <= 90 then 1 end) as first_orders_90d,
        {{ median('days_to_first_order') }} as median_days_to_first_order
    from signups
    group by month, channel

)

-- A count is null until its days have passed for the last of the month.
select
    month,
    channel,
    {{ as_of_date() }} as as_of_date,
    cast(subscribed_customers as bigint) as subscribed_customers,
    {% for days in [30, 90] %}
    cast(
        case when {{ days_after(dbt.last_day('month', 'month'), days) }} <= {{ as_of_date() }} then first_orders_{{ days }}d end
        as bigint
    ) as first_orders_{{ days }}d,
    {% endfor %}
    cast(median_days_to_first_order as {{ decimal_type(18, 1) }}) as median_days_to_first_order
from totals
