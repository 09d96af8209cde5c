-- STUB, NOT COMMITTED
with d as (select customer_id, purchased_on, sum(net_revenue) as v from {{ ref('int_purchases') }} where customer_id is not null group by customer_id, purchased_on),
f as (select customer_id, min(purchased_on) as first_on, max(purchased_on) as last_on, count(*) - 1 as n from d group by customer_id)
select f.customer_id, {{ as_of_date() }} as as_of_date, f.n as repeat_purchase_days, {{ days_between('f.first_on','f.last_on') }} as days_first_to_last, {{ days_between('f.first_on', as_of_date()) }} as days_first_to_as_of,
 cast(avg(case when d.purchased_on > f.first_on then d.v end) as decimal(18,6)) as revenue_per_repeat_day
from f inner join d on f.customer_id = d.customer_id group by f.customer_id, f.first_on, f.last_on, f.n
