-- One row for the first, second and third purchase: who had 365 days to come back since, and who did.
with

purchases as (

    select * from {{ ref('purchases') }}

),

pairs as (

    select
        purchases.purchase_number,
        purchases.purchased_on <= {{ days_ago(365) }} as is_judged,
        {{ days_between('purchases.purchased_on', 'next_purchases.purchased_on') }} as days_to_next
    from purchases
    left join purchases as next_purchases
        on
            purchases.customer_id = next_purchases.customer_id
            and purchases.purchase_number + 1 = next_purchases.purchase_number
    where purchases.purchase_number <= 3

)

select
    purchase_number,
    count(*) as customers,
    sum(case when is_judged then 1 else 0 end) as judged_customers,
    sum(case when is_judged and days_to_next <= 365 then 1 else 0 end) as repeated_customers,
    1.0 * sum(case when is_judged and days_to_next <= 365 then 1 else 0 end)
    / nullif(sum(case when is_judged then 1 else 0 end), 0) as repeat_rate
from pairs
group by purchase_number
order by purchase_number asc
