-- One row per tenth of the buyers, the biggest spenders first: their part of the net revenue, and that of all tenths so far.
with

buyers as (

    select
        net_revenue,
        ntile(10) over (order by net_revenue desc, {{ binary_collation('customer_id') }}) as tenth
    from {{ ref('customers') }}
    where purchase_count >= 1

),

tenths as (

    select
        tenth,
        count(*) as buyers,
        min(net_revenue) as smallest_net_revenue,
        sum(net_revenue) as net_revenue
    from buyers
    group by tenth

)

select
    tenth,
    buyers,
    smallest_net_revenue,
    net_revenue,
    round(100.0 * net_revenue / sum(net_revenue) over (), 1) as percent_of_net_revenue,
    round(
        100.0 * sum(net_revenue) over (order by tenth rows between unbounded preceding and current row)
        / sum(net_revenue) over (), 1
    ) as percent_so_far
from tenths
order by tenth asc
