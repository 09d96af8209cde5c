-- One row per delivered row of raw.orders, with its verdict.
{% set columns = [
    'order_id',
    'customer_id',
    'email',
    'ordered_at',
    'status',
    'currency',
    'discount_amount',
    'discount_code',
    'delivered_at',
    'is_test',
    'updated_at',
    'is_deleted'
] %}
{% set readable = ['ordered_at', 'discount_amount', 'delivered_at', 'is_test', 'updated_at', 'is_deleted', 'loaded_at'] %}

with

judged as (

    select
        *,
        {{ row_fault(
            required=['order_id', 'ordered_at', 'status', 'currency', 'updated_at'],
            readable=readable,
            forbidden={
                'negative discount_amount': "discount_amount < 0",
                'unknown status': "status not in ('pending', 'paid', 'fulfilled', 'cancelled')"
            }
        ) }} as row_fault
    from {{ source('raw', 'orders') }}

),

first_rates as (

    select
        currency,
        min(rated_on) as first_rated_on
    from {{ ref('base_exchange_rates') }}
    where verdict = 'kept'
    group by currency

),

ranked as (

    select
        judged.*,
        case
            when judged.currency <> '{{ var("reporting_currency") }}'
                and (first_rates.first_rated_on is null or first_rates.first_rated_on > {{ local_date('judged.ordered_at') }})
                then 'no exchange rate for the currency on the date'
        end as relation_fault,
        {{ version_rank(
            key=['judged.order_id'],
            order_by=[
                by_code_point('judged.customer_id'),
                by_code_point('judged.email'),
                'judged.ordered_at',
                by_code_point('judged.status'),
                by_code_point('judged.currency'),
                'judged.discount_amount',
                by_code_point('judged.discount_code'),
                'judged.delivered_at',
                'judged.is_test'
            ],
            has_versions=true
        ) }} as version_rank
    from judged
    left join first_rates on judged.currency = first_rates.currency

)

select
    order_id,
    customer_id as account_id,
    {{ compared_email('email') }} as compared_email,
    ordered_at,
    {{ local_date('ordered_at') }} as ordered_on,
    status,
    currency,
    coalesce(discount_amount, 0) as discount_amount,
    discount_code,
    delivered_at,
    coalesce(is_test, false) as is_test,
    updated_at,
    {{ verdict_columns(columns, readable, versions_of=['order_id']) }}
from ranked
