-- One row per customer and calendar month with a purchase. A month is known by its first day.
-- Costed are the purchases with a known cost.
with

purchases as (

    select
        customer_id,
        {{ month_of('purchased_on') }} as month,
        {{ month_of('first_purchased_on') }} as cohort_month,
        net_revenue,
        gross_margin
    from {{ ref('int_purchase_sequence') }}

)

select
    customer_id,
    month,
    cohort_month,
    {{ buyer_type('month', 'cohort_month') }} as buyer_type,
    count(*) as purchases,
    cast(sum(net_revenue) as {{ decimal_type(18, 2) }}) as net_revenue,
    cast(sum(case when gross_margin is not null then net_revenue else 0 end) as {{ decimal_type(18, 2) }}) as costed_net_revenue,
    cast(sum(coalesce(gross_margin, 0)) as {{ decimal_type(28, 6) }}) as costed_gross_margin
from purchases
group by customer_id, month, cohort_month
