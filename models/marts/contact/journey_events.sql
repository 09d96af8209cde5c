-- One row per customer, journey, occasion and step of it: a message that is due, was due, or will be unless an order cancels it.
{{ config(pre_hook='{{ join_by_hash() }}') }}
with

occasions as (

    select * from {{ ref('int_journey_occasions') }}

),

customers as (

    select * from {{ ref('customers') }}

),

orders as (

    select * from {{ ref('int_orders') }}
    where is_ordered and customer_id is not null

),

suppressed_customers as (

    select distinct customer_id
    from {{ ref('suppressions') }}
    where customer_id is not null

),

steps as (

    {% for step in journey_steps() %}
    select
        '{{ step.journey }}' as journey,
        {{ step.step }} as step,
        {{ step.due_days }} as due_days,
        '{{ step.reentry }}' as reentry,
        cast({{ step.reentry_days }} as integer) as reentry_days,
        {{ step.exit_on_purchase }} as exit_on_purchase
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- Nothing is due before the date after its occasion: a run of the date itself knows of it.
messages as (

    select
        occasions.*,
        steps.step,
        steps.reentry,
        steps.reentry_days,
        steps.exit_on_purchase,
        greatest(
            {{ days_after('occasions.counted_from', 'steps.due_days') }}, {{ days_after('occasions.occurred_on', 1) }}
        ) as due_on
    from occasions
    inner join steps on occasions.journey = steps.journey

),

-- An order counts from the moment of the occasion on, where it has one; that of a purchase is none of its own.
cancelled as (

    select distinct
        messages.customer_id,
        messages.journey,
        messages.step,
        messages.occasion
    from messages
    inner join orders on messages.customer_id = orders.customer_id and messages.due_on > orders.ordered_on
    where
        messages.exit_on_purchase
        and (
            messages.occurred_at < orders.ordered_at
            or (messages.occurred_at = orders.ordered_at and messages.order_id is null)
            or (messages.occurred_at is null and messages.occurred_on <= orders.ordered_on)
        )

),

standing as (

    select messages.*
    from messages
    left join cancelled
        on
            messages.customer_id = cancelled.customer_id
            and messages.journey = cancelled.journey
            and messages.step = cancelled.step
            and messages.occasion = cancelled.occasion
    where cancelled.customer_id is null and coalesce(messages.ends_on >= messages.due_on, true)

),

numbered as (

    select
        standing.*,
        row_number() over (
            partition by customer_id, journey, step order by due_on, occurred_on, {{ binary_collation('occasion') }}
        ) as place,
        row_number() over (
            partition by customer_id, journey, step, due_on order by occurred_on, {{ binary_collation('occasion') }}
        ) as place_of_date
    from standing

),

dates as (

    select
        customer_id,
        journey,
        step,
        due_on,
        reentry_days
    from numbered
    where reentry = 'after' and place_of_date = 1

),

dates_entered as (

    {{ dates_apart('dates') }}

),

entered as (

    select numbered.*
    from numbered
    left join dates_entered
        on
            numbered.customer_id = dates_entered.customer_id
            and numbered.journey = dates_entered.journey
            and numbered.step = dates_entered.step
            and numbered.due_on = dates_entered.due_on
    where
        numbered.reentry = 'each time'
        or (numbered.reentry = 'once' and numbered.place = 1)
        or (numbered.reentry = 'after' and numbered.place_of_date = 1 and dates_entered.customer_id is not null)

),

identified as (

    select
        entered.*,
        entered.occasion || ':' || cast(entered.step as {{ dbt.type_string() }}) as occasion_step
    from entered

)

select
    {{ sha256_hex("identified.journey || ':' || identified.customer_id || ':' || identified.occasion_step") }} as event_id,
    identified.customer_id,
    {{ as_of_date() }} as as_of_date,
    identified.journey,
    identified.occasion_step as occasion,
    identified.occurred_on,
    identified.due_on,
    identified.entered_because,
    identified.exit_on_purchase,
    identified.product_ids as products,
    identified.cart_value,
    case
        when {{ is_in_global_holdout('identified.customer_id') }} then 'global holdout'
        when not customers.is_contactable_by_email then 'not contactable'
        when suppressed_customers.customer_id is not null then 'suppressed'
    end as held_back_by
from identified
inner join customers on identified.customer_id = customers.customer_id
left join suppressed_customers on identified.customer_id = suppressed_customers.customer_id
