-- One row per buyer.
select
    customer_id,
    {{ quotient('count(*) - count(case when is_discounted then 1 end)', 'count(*)', 8) }} as full_price_purchase_share
from {{ ref('int_purchases') }}
where customer_id is not null
group by customer_id
