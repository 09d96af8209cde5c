-- One row per category: how many bargain hunters bought in it in the last 365 days, and how often.
select
    customer_categories.category,
    count(*) as bargain_hunters,
    sum(customer_categories.purchases_365d) as purchases_365d
from {{ ref('seg_bargain_hunters') }} as bargain_hunters
inner join {{ ref('customer_categories') }} as customer_categories
    on bargain_hunters.customer_id = customer_categories.customer_id
group by customer_categories.category
order by bargain_hunters desc, customer_categories.category asc
