-- One row per calendar month, kind (refunds or reviews) and reason: why money went back, and what reviews are about.
with

orders as (

    select
        order_id,
        currency,
        ordered_on
    from {{ ref('int_orders') }}

),

rates as (

    select * from {{ ref('int_exchange_rates') }}

),

accounts as (

    select * from {{ ref('int_accounts') }}

),

-- At the rate of the order's date, as in net revenue. An amount of 0 took a refund back.
refunds as (

    select
        {{ month_of('refunds.refunded_on') }} as month,
        'refunds' as kind,
        coalesce(refunds.reason, 'unknown') as reason,
        count(*) as occurrences,
        sum(
            refunds.amount * case when orders.currency = '{{ var("reporting_currency") }}' then 1 else rates.rate end
        ) as refunded_amount
    from {{ ref('stg_refunds') }} as refunds
    inner join orders on refunds.order_id = orders.order_id
    left join rates on orders.currency = rates.currency and {{ rate_holds_on('orders.ordered_on') }}
    where refunds.refunded_on <= {{ as_of_date() }} and refunds.amount > 0
    group by {{ month_of('refunds.refunded_on') }}, coalesce(refunds.reason, 'unknown')

),

reviews as (

    select
        {{ month_of('reviews.reviewed_on') }} as month,
        'reviews' as kind,
        coalesce(reviews.topic, 'unknown') as reason,
        count(*) as occurrences,
        cast(null as {{ decimal_type(28, 6) }}) as refunded_amount
    from {{ ref('stg_reviews') }} as reviews
    left join accounts on reviews.account_id = accounts.account_id
    where reviews.reviewed_on <= {{ as_of_date() }} and not coalesce(accounts.is_test_customer, false)
    group by {{ month_of('reviews.reviewed_on') }}, coalesce(reviews.topic, 'unknown')

),

counted as (

    select * from refunds
    union all
    select * from reviews

),

shared as (

    select
        counted.*,
        sum(occurrences) over (partition by month, kind) as month_occurrences
    from counted

)

select
    month,
    kind,
    reason,
    {{ as_of_date() }} as as_of_date,
    cast(occurrences as bigint) as occurrences,
    cast(round(refunded_amount, 6) as {{ decimal_type(28, 6) }}) as refunded_amount,
    {{ quotient('occurrences', 'month_occurrences', 8) }} as share_of_month
from shared
