-- One row per acquisition channel: the buyers it brought, how many of them are hero customers, and what a buyer has spent.
select
    coalesce(customers.acquisition_channel, 'unknown') as channel,
    count(*) as buyers,
    count(heroes.customer_id) as hero_customers,
    round(100.0 * count(heroes.customer_id) / count(*), 1) as percent_hero_customers,
    round(sum(customers.net_revenue) / count(*), 2) as net_revenue_per_buyer
from {{ ref('customers') }} as customers
left join {{ ref('seg_hero_customers') }} as heroes on customers.customer_id = heroes.customer_id
where customers.purchase_count >= 1
group by coalesce(customers.acquisition_channel, 'unknown')
order by percent_hero_customers desc, channel asc
