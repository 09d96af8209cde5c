-- One row per purchase of a customer, with its place among the customer's purchases. Unattributed purchases are left out.
with

purchases as (

    select * from {{ ref('int_purchases') }}
    where customer_id is not null

)

-- A date comes before a moment: where clocks go back at midnight, a later moment can have an earlier date.
select
    order_id,
    customer_id,
    purchased_at,
    purchased_on,
    delivered_on,
    net_revenue,
    gross_margin,
    row_number() over (
        partition by customer_id order by purchased_on, purchased_at, {{ binary_collation('order_id') }}
    ) as purchase_number,
    min(purchased_on) over (partition by customer_id) as first_purchased_on,
    lead(purchased_on) over (
        partition by customer_id order by purchased_on, purchased_at, {{ binary_collation('order_id') }}
    ) as next_purchased_on
from purchases
