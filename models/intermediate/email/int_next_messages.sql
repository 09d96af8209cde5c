-- One row per customer whom mail may reach, who is on no suppression list and in a segment with a priority in the plan of
-- tonight: the one message for them. Who is held back gets none; who is held out of a campaign stays counted in its control.
with

customers as (

    select * from {{ ref('customers') }}
    where is_contactable_by_email

),

memberships as (

    select * from {{ ref('segment_memberships') }}

),

segments as (

    select
        segment,
        marketing_goal,
        position,
        case segment
            when '' then 0
            {% for segment in registered_segments() if priority_of(segment) is not none %}
            when '{{ segment.name }}' then {{ priority_of(segment) }}
            {% endfor %}
        end as priority
    from {{ ref('segments') }}

),

suppressed_customers as (

    select distinct customer_id
    from {{ ref('suppressions') }}
    where customer_id is not null

),

-- A campaign that is on tomorrow, when the message would go out.
held_out as (

    select distinct
        segment,
        customer_id
    from {{ ref('campaign_audiences') }}
    where is_held_out and {{ days_ago(-1) }} between starts_on and ends_on

),

offers as (

    select
        customer_id,
        max(case when next_product_number = 1 then product_id end)
        || coalesce(', ' || max(case when next_product_number = 2 then product_id end), '')
        || coalesce(', ' || max(case when next_product_number = 3 then product_id end), '') as next_products
    from {{ ref('next_products') }}
    group by customer_id

),

ranked as (

    select
        customers.customer_id,
        customers.emails_received_7d,
        segments.segment,
        segments.priority,
        segments.marketing_goal,
        row_number() over (partition by customers.customer_id order by segments.priority, segments.position) as place
    from customers
    inner join memberships on customers.customer_id = memberships.customer_id
    inner join segments on memberships.segment = segments.segment
    left join suppressed_customers on customers.customer_id = suppressed_customers.customer_id
    where segments.priority is not null and suppressed_customers.customer_id is null

)

select
    ranked.customer_id,
    ranked.segment,
    cast(ranked.priority as integer) as priority,
    ranked.marketing_goal,
    offers.next_products,
    case
        when {{ is_in_global_holdout('ranked.customer_id') }} then 'global holdout'
        when ranked.emails_received_7d >= {{ var('max_emails_7d') }} then 'mailed often'
        when held_out.customer_id is not null then 'held out'
    end as held_back_by
from ranked
left join offers on ranked.customer_id = offers.customer_id
left join held_out on ranked.segment = held_out.segment and ranked.customer_id = held_out.customer_id
where ranked.place = 1
