-- One row per journey, customer and occasion on which it may begin, up to the as-of date. Days count from counted_from; where
-- ends_on comes before a message is due, the occasion is over by itself. All that decides about a message is dated before it is
-- due: from that date on a later run finds the same.
-- A view: journey_events alone reads it.
{{ config(materialized='view') }}
{% set day_as_text = 'cast({} as ' ~ dbt.type_string() ~ ')' %}
{% set no_moment = 'cast(null as ' ~ dbt.type_timestamp() ~ ')' %}
{% set no_text = 'cast(null as ' ~ dbt.type_string() ~ ')' %}
{% set no_value = 'cast(null as ' ~ decimal_type(18, 2) ~ ')' %}
with

customers as (

    select
        int_customers.customer_id,
        int_customers.created_on,
        int_customers.birth_date,
        int_customers.consented_at,
        int_customers.consented_on,
        customers.is_subscribed
    from {{ ref('int_customers') }} as int_customers
    inner join {{ ref('customers') }} as customers on int_customers.customer_id = customers.customer_id

),

purchases as (

    select * from {{ ref('int_purchase_sequence') }}

),

orders as (

    select * from {{ ref('int_orders') }}
    where is_ordered and customer_id is not null

),

open_carts as (

    select * from {{ ref('int_open_carts') }}

),

due_products as (

    select * from {{ ref('due_products') }}

),

welcome as (

    select
        'welcome' as journey,
        customer_id,
        {{ day_as_text.format('consented_on') }} as occasion,
        'gave consent to email' as entered_because,
        consented_on as occurred_on,
        consented_at as occurred_at,
        consented_on as counted_from,
        cast(null as date) as ends_on,
        {{ no_text }} as order_id,
        {{ no_text }} as product_ids,
        {{ no_value }} as cart_value
    from customers
    where is_subscribed

),

-- The open carts of the last 30 dates, and of the dates to come. Those of one date are peers.
visits as (

    select
        sessions.customer_id,
        sessions.session_id,
        sessions.started_at,
        sessions.started_on,
        session_events.has_product_view,
        max(case when session_events.has_open_cart then sessions.started_on end) over (
            partition by sessions.customer_id order by sessions.started_on
        ) as last_open_cart_on,
        min(case when session_events.has_open_cart then sessions.started_on end) over (
            partition by sessions.customer_id order by sessions.started_on desc
        ) as next_open_cart_on
    from {{ ref('int_sessions') }} as sessions
    inner join {{ ref('int_session_events') }} as session_events on sessions.session_id = session_events.session_id
    where sessions.customer_id is not null

),

-- On its date the visitor is in browse_abandoners.
browse_abandonment as (

    select
        'browse_abandonment' as journey,
        visits.customer_id,
        visits.session_id as occasion,
        'viewed products, and left no cart' as entered_because,
        visits.started_on as occurred_on,
        visits.started_at as occurred_at,
        visits.started_on as counted_from,
        visits.next_open_cart_on as ends_on,
        {{ no_text }} as order_id,
        {{ no_text }} as product_ids,
        {{ no_value }} as cart_value
    from visits
    left join orders
        on
            visits.customer_id = orders.customer_id
            and visits.started_on >= orders.ordered_on
            and {{ days_after('visits.started_on', -30) }} < orders.ordered_on
    where
        visits.has_product_view
        and coalesce(visits.last_open_cart_on <= {{ days_after('visits.started_on', -30) }}, true)
        and orders.order_id is null

),

cart_abandonment as (

    select
        'cart_abandonment' as journey,
        customer_id,
        session_id as occasion,
        'left a cart open' as entered_because,
        started_on as occurred_on,
        first_added_to_cart_at as occurred_at,
        started_on as counted_from,
        next_started_on as ends_on,
        {{ no_text }} as order_id,
        open_cart_products as product_ids,
        open_cart_value as cart_value
    from open_carts

),

post_purchase as (

    select
        'post_purchase' as journey,
        customer_id,
        order_id as occasion,
        'bought' as entered_because,
        purchased_on as occurred_on,
        purchased_at as occurred_at,
        purchased_on as counted_from,
        cast(null as date) as ends_on,
        order_id,
        {{ no_text }} as product_ids,
        {{ no_value }} as cart_value
    from purchases

),

-- Whoever has one purchase date is expected again after typical_gap_days.
second_purchase as (

    select
        'second_purchase' as journey,
        customer_id,
        order_id as occasion,
        'bought for the first time' as entered_because,
        purchased_on as occurred_on,
        purchased_at as occurred_at,
        {{ days_after('purchased_on', var('typical_gap_days')) }} as counted_from,
        next_purchased_on as ends_on,
        order_id,
        {{ no_text }} as product_ids,
        {{ no_value }} as cart_value
    from purchases
    where purchase_number = 1

),

-- From 0.8 gaps on a product is in due_products.
replenishment as (

    select
        'replenishment' as journey,
        customer_id,
        product_id || ' ' || {{ day_as_text.format('last_bought_on') }} as occasion,
        'a product is due again' as entered_because,
        {{ days_after('last_bought_on', 'cast(ceil(8 * expected_gap_days / 10) as integer)') }} as occurred_on,
        {{ no_moment }} as occurred_at,
        due_on as counted_from,
        cast(null as date) as ends_on,
        {{ no_text }} as order_id,
        product_id as product_ids,
        {{ no_value }} as cart_value
    from due_products

),

purchase_dates as (

    select
        customer_id,
        purchased_on,
        max(purchase_number) as purchase_count,
        lead(purchased_on) over (partition by customer_id order by purchased_on) as next_purchased_on,
        {{ days_between('lag(purchased_on) over (partition by customer_id order by purchased_on)', 'purchased_on') }} as gap_days
    from purchases
    group by customer_id, purchased_on

),

-- The least gap that anybody keeps spares most purchase dates the median of those before.
{% set least_gap_days = [var('min_gap_days'), var('typical_gap_days')] | min %}
silences as (

    select * from purchase_dates
    where
        coalesce(next_purchased_on, {{ days_ago(-1) }})
        > {{ days_after('purchased_on', (var('at_risk_after_gaps') * least_gap_days) | round(0, 'floor') | int + 1) }}

),

-- The rhythm as it was known then.
rhythms as (

    select
        silences.customer_id,
        silences.purchased_on,
        silences.purchase_count,
        silences.next_purchased_on,
        count(earlier_dates.gap_days) + 1 as purchase_dates,
        cast({{ median('earlier_dates.gap_days') }} as {{ decimal_type(18, 1) }}) as median_gap_days
    from silences
    left join purchase_dates as earlier_dates
        on silences.customer_id = earlier_dates.customer_id and silences.purchased_on >= earlier_dates.purchased_on
    group by silences.customer_id, silences.purchased_on, silences.purchase_count, silences.next_purchased_on

),

expected_gaps as (

    select
        customer_id,
        purchased_on,
        next_purchased_on,
        purchase_count,
        {{ expected_gap_days('purchase_dates', 'median_gap_days') }} as expected_gap_days
    from rhythms

),

-- One purchase is new for 90 dates.
risks as (

    select
        customer_id,
        purchased_on,
        next_purchased_on,
        expected_gap_days,
        greatest(
            cast(floor({{ var('at_risk_after_gaps') }} * expected_gap_days) as integer) + 1,
            case when purchase_count = 1 then 90 else 0 end
        ) as at_risk_after_days
    from expected_gaps

),

win_back as (

    select
        'win_back' as journey,
        customer_id,
        {{ day_as_text.format('purchased_on') }} as occasion,
        'became at risk' as entered_because,
        {{ days_after('purchased_on', 'at_risk_after_days') }} as occurred_on,
        {{ no_moment }} as occurred_at,
        {{ days_after('purchased_on', 'at_risk_after_days') }} as counted_from,
        cast(null as date) as ends_on,
        {{ no_text }} as order_id,
        {{ no_text }} as product_ids,
        {{ no_value }} as cart_value
    from risks
    where
        at_risk_after_days <= {{ var('inactive_after_gaps') }} * expected_gap_days
        and coalesce(next_purchased_on > {{ days_after('purchased_on', 'at_risk_after_days') }}, true)

),

review_request as (

    select
        'review_request' as journey,
        customer_id,
        occasion,
        entered_because,
        occurred_on,
        occurred_at,
        counted_from,
        ends_on,
        order_id,
        product_ids,
        cart_value
    from post_purchase

),

-- In the year of D + 7. In common years 29 February falls on the 28th.
{% set in_sight = as_of_day() + modules.datetime.timedelta(days=7) %}
birthdays_of_the_year as (

    select
        customer_id,
        created_on,
        birth_date,
        cast({{ in_sight.year }} - extract(year from birth_date) as integer) as age
    from customers
    where birth_date is not null

),

last_birthdays as (

    select
        customer_id,
        created_on,
        case
            when {{ years_after('birth_date', 'age') }} <= {{ date_literal(in_sight) }}
                then {{ years_after('birth_date', 'age') }}
            else {{ years_after('birth_date', 'age - 1') }}
        end as birthday
    from birthdays_of_the_year

),

birthday as (

    select
        'birthday' as journey,
        customer_id,
        {{ day_as_text.format('birthday') }} as occasion,
        'birthday is near' as entered_because,
        greatest({{ days_after('birthday', -7) }}, created_on) as occurred_on,
        {{ no_moment }} as occurred_at,
        birthday as counted_from,
        cast(null as date) as ends_on,
        {{ no_text }} as order_id,
        {{ no_text }} as product_ids,
        {{ no_value }} as cart_value
    from last_birthdays
    where created_on < birthday

),

occasions as (

    select * from welcome
    union all
    select * from browse_abandonment
    union all
    select * from cart_abandonment
    union all
    select * from post_purchase
    union all
    select * from second_purchase
    union all
    select * from replenishment
    union all
    select * from win_back
    union all
    select * from review_request
    union all
    select * from birthday

)

select * from occasions
where occurred_on <= {{ as_of_date() }}
