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

),

-- Wilson's 95 % interval for k of m: (2k + z^2 -+ sqrt(z^2 * (z^2 + 4k(m - k) / m))) / (2m + 2z^2), with z = 1.959964.
intervals as (

    select
        counts.*,
        3.841458881296 as z2,
        sqrt(
            3.841458881296
            * (3.841458881296 + 4.0 * repeated_customers * (judged_customers - repeated_customers) / nullif(judged_customers, 0))
        ) as root
    from counts

)

select
    purchase_number,
    {{ as_of_date() }} as as_of_date,
    customers,
    judged_customers,
    repeated_customers,
    {{ quotient('repeated_customers', 'judged_customers', 8) }} as repeat_rate,
    cast((2 * repeated_customers + z2 - root) / (2 * judged_customers + 2 * z2) as {{ decimal_type(18, 8) }}) as repeat_rate_from,
    cast((2 * repeated_customers + z2 + root) / (2 * judged_customers + 2 * z2) as {{ decimal_type(18, 8) }}) as repeat_rate_to,
    cast(median_days as {{ decimal_type(18, 1) }}) as median_days
from intervals
