-- The funnel has each session once, and each order at most once. A sale's new buyers are among those of its months.
with

sessions as (

    select
        {{ month_of('started_on') }} as month,
        count(*) as sessions
    from {{ ref('int_sessions') }}
    group by {{ month_of('started_on') }}

),

funnel as (

    select
        month,
        sum(case when channel = 'all' and buyer_type = 'all' then sessions else 0 end) as all_sessions,
        sum(case when channel <> 'all' and buyer_type <> 'all' then sessions else 0 end) as part_sessions
    from {{ ref('funnel_monthly') }}
    group by month

),

sessions_with_order as (

    select coalesce(sum(sessions_with_order), 0) as sessions
    from {{ ref('funnel_monthly') }}
    where channel = 'all' and buyer_type = 'all'

),

orders as (

    select count(*) as orders
    from {{ ref('int_orders') }}
    where is_ordered and customer_id is not null

),

sales as (

    select
        sales.sale_campaign_id,
        sales.new_buyers,
        coalesce(sum(acquisitions.new_buyers), 0) as new_buyers_of_months
    from {{ ref('sale_results') }} as sales
    left join {{ ref('acquisition_costs') }} as acquisitions
        on
            sales.ends_on >= acquisitions.month
            and sales.starts_on <= {{ dbt.last_day('acquisitions.month', 'month') }}
            and acquisitions.channel = 'all'
    group by sales.sale_campaign_id, sales.new_buyers

)

select
    'sessions of a month' as what,
    coalesce(funnel.part_sessions, 0) as found,
    coalesce(sessions.sessions, 0) as expected
from sessions
full outer join funnel on sessions.month = funnel.month
where
    coalesce(sessions.sessions, 0) <> coalesce(funnel.all_sessions, 0)
    or coalesce(sessions.sessions, 0) <> coalesce(funnel.part_sessions, 0)

union all

select
    'sessions with an order' as what,
    sessions_with_order.sessions as found,
    orders.orders as expected
from sessions_with_order
cross join orders
where sessions_with_order.sessions > orders.orders

union all

select
    'new buyers of a sale' as what,
    new_buyers as found,
    new_buyers_of_months as expected
from sales
where new_buyers > new_buyers_of_months
