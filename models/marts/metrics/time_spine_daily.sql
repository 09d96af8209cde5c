-- One row per calendar day, from the first day of the month of the first purchase to the as-of date. MetricFlow asks for it.
with

months as (

    select * from {{ ref('int_months') }}

),

days as (

    {% for day in range(31) %}
    select {{ day }} as days_later
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select {{ days_after('months.month', 'days.days_later') }} as date_day
from months
cross join days
where
    {{ month_of(days_after('months.month', 'days.days_later')) }} = months.month
    and {{ days_after('months.month', 'days.days_later') }} <= {{ as_of_date() }}
