-- One row per calendar month and buyer type. New is who bought for the first time in that month, returning who did so before.
with

months as (

    select * from {{ ref('int_months') }}

),

buyer_types as (

    select 'new' as buyer_type
    union all
    select 'returning' as buyer_type

),

totals as (

    select
        month,
        buyer_type,
        count(*) as buyers,
        sum(purchases) as purchases,
        cast(sum(net_revenue) as {{ decimal_type(18, 2) }}) as net_revenue
    from {{ ref('int_customer_months') }}
    group by month, buyer_type

),

grid as (

    select
        months.month,
        months.is_complete,
        buyer_types.buyer_type,
        coalesce(totals.buyers, 0) as buyers,
        coalesce(totals.purchases, 0) as purchases,
        coalesce(totals.net_revenue, 0) as net_revenue,
        sum(totals.net_revenue) over (partition by months.month) as month_net_revenue
    from months
    cross join buyer_types
    left join totals on months.month = totals.month and buyer_types.buyer_type = totals.buyer_type

),

buyers as (

    select
        customer_id,
        net_revenue
    from {{ ref('customers') }}
    where purchase_count > 0

),

heroes as (

    select customer_id
    from {{ ref('seg_hero_customers') }}

),

hero_totals as (

    select
        count(*) as buyers,
        sum(buyers.net_revenue) as net_revenue,
        count(heroes.customer_id) as heroes,
        sum(case when heroes.customer_id is not null then buyers.net_revenue end) as hero_net_revenue
    from buyers
    left join heroes on buyers.customer_id = heroes.customer_id

)

select
    grid.month,
    grid.buyer_type,
    {{ as_of_date() }} as as_of_date,
    grid.is_complete,
    cast(grid.buyers as bigint) as buyers,
    cast(grid.purchases as bigint) as purchases,
    cast(grid.net_revenue as {{ decimal_type(18, 2) }}) as net_revenue,
    {{ average_amount('grid.net_revenue', 'grid.purchases') }} as average_order_value,
    {{ quotient('grid.net_revenue', 'grid.month_net_revenue', 8) }} as share_of_net_revenue,
    {{ quotient(
        '(hero_totals.hero_net_revenue * hero_totals.buyers)', '(hero_totals.net_revenue * hero_totals.heroes)', 8
    ) }} as hero_multiple
from grid
cross join hero_totals
