-- One row per buyer and product that they are about to need again: from 0.8 to 1.2 of the expected gap have passed.
with

product_purchases as (

    select * from {{ ref('int_product_purchases') }}
    where is_kept and not is_reseller

),

own_gaps as (

    select
        customer_id,
        product_id,
        cast({{ median('gap_days') }} as {{ decimal_type(18, 1) }}) as median_gap_days
    from product_purchases
    where gap_days is not null
    group by customer_id, product_id
    having count(*) >= 2

),

histories as (

    select
        customer_id,
        product_id,
        max(purchased_on) as last_bought_on,
        {{ days_between('max(purchased_on)', as_of_date()) }} as days_passed,
        count(gap_days) + 1 as bought_dates
    from product_purchases
    group by customer_id, product_id

),

expected as (

    select
        histories.*,
        own_gaps.customer_id is not null as is_own_gap,
        coalesce(own_gaps.median_gap_days, product_replenishments.median_gap_days) as expected_gap_days
    from histories
    left join own_gaps on histories.customer_id = own_gaps.customer_id and histories.product_id = own_gaps.product_id
    left join {{ ref('product_replenishments') }} as product_replenishments
        on histories.product_id = product_replenishments.product_id

)

select
    customer_id,
    product_id,
    {{ as_of_date() }} as as_of_date,
    last_bought_on,
    bought_dates,
    expected_gap_days,
    is_own_gap,
    {{ days_after('last_bought_on', 'cast(ceil(expected_gap_days) as integer)') }} as due_on
from expected
where 10 * days_passed between 8 * expected_gap_days and 12 * expected_gap_days
