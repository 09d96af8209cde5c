-- One row per n: of the customers with an n-th purchase, how many came back for the next one within 365 days.
with

purchases as (

    select
        purchase_number,
        -- Only who has had 365 days since can be judged.
        purchased_on <= {{ days_ago(365) }} as is_judged,
        {{ days_between('purchased_on', 'next_purchased_on') }} as days_to_next
    from {{ ref('int_purchase_sequence') }}

),

counts as (

    select
        cast(purchase_number as integer) as purchase_number,
        count(*) as customers,
        cast(sum(case when is_judged then 1 else 0 end) as bigint) as judged_customers,
        cast(sum(case when is_judged and days_to_next <= 365 then 1 else 0 end) as bigint) as repeated_customers,
        {{ median('case when is_judged and days_to_next <= 365 then days_to_next end') }}
            as median_days
    from purchases
    group by purchase_number

)

select
    purchase_number,
    {{ as_of_date() }} as as_of_date,
    customers,
    judged_customers,
    repeated_customers,
    {{ quotient('repeated_customers', 'judged_customers', 8) }} as repeat_rate,
    cast({{ wilson_limit('lower', 'repeated_customers', 'judged_customers') }} as {{ decimal_type(18, 8) }}) as repeat_rate_from,
    cast({{ wilson_limit('upper', 'repeated_customers', 'judged_customers') }} as {{ decimal_type(18, 8) }}) as repeat_rate_to,
    cast(median_days as {{ decimal_type(18, 1) }}) as median_days
from counts
