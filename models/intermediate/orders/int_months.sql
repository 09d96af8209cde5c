-- One row per calendar month, known by its first day, from that of the first purchase of a customer to that of the as-of date,
-- months without a purchase among them.
with

first_purchases as (

    select min({{ month_of('first_purchased_on') }}) as first_month
    from {{ ref('int_purchase_sequence') }}

),

digits as (

    {% for digit in range(10) %}
    select {{ digit }} as digit
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- Enough for purchases of year 1, which is what some systems write for a date that they do not know.
numbers as (

    select
        ones.digit + 10 * tens.digit + 100 * hundreds.digit + 1000 * thousands.digit + 10000 * ten_thousands.digit
            as months_ago
    from digits as ones
    cross join digits as tens
    cross join digits as hundreds
    cross join digits as thousands
    cross join digits as ten_thousands

),

months as (

    select cast({{ dbt.dateadd('month', '-numbers.months_ago', month_of(as_of_date())) }} as date) as month
    from numbers
    inner join first_purchases
        on numbers.months_ago <= {{ months_between('first_purchases.first_month', month_of(as_of_date())) }}

)

select
    month,
    -- A month opens at the end of the day before it.
    {{ days_after('month', -1) }} as opened_on,
    {{ dbt.last_day('month', 'month') }} <= {{ as_of_date() }} as is_complete
from months
