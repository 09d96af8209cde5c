-- One row per segment, empty ones included: whom it holds, and what they do.
with

segments as (

    select * from {{ ref('segments') }}

),

memberships as (

    select * from {{ ref('segment_memberships') }}

),

customers as (

    select * from {{ ref('customers') }}

),

purchases as (

    select * from {{ ref('int_customer_purchases') }}

),

totals as (

    select
        memberships.segment,
        count(*) as customers,
        sum(case when customers.is_contactable_by_email then 1 else 0 end) as contactable_customers,
        sum(customers.purchases_30d) as purchases_30d,
        sum(purchases.net_revenue_30d) as net_revenue_30d,
        sum(purchases.purchases_365d) as purchases_365d,
        sum(purchases.net_revenue_365d) as net_revenue_365d,
        sum(purchases.costed_net_revenue_365d) as costed_net_revenue_365d,
        -- One estimate that is not there makes the segment's unknown.
        case
            when count(purchases.gross_margin_estimate_365d) = count(purchases.customer_id)
                then sum(purchases.gross_margin_estimate_365d)
        end as gross_margin_estimate_365d,
        count(purchases.customer_id) as buyers,
        sum(customers.sessions_30d) as sessions_30d,
        sum(case when customers.emails_received_180d > 0 then 1 else 0 end) as mailed_customers_180d,
        sum(case when customers.emails_received_180d > 0 and customers.email_clicks_180d > 0 then 1 else 0 end)
            as clicking_customers_180d
    from memberships
    inner join customers on memberships.customer_id = customers.customer_id
    left join purchases on memberships.customer_id = purchases.customer_id
    group by memberships.segment

)

select
    segments.segment,
    segments.as_of_date,
    cast(coalesce(totals.customers, 0) as bigint) as customers,
    cast(coalesce(totals.contactable_customers, 0) as bigint) as contactable_customers,
    cast(coalesce(totals.purchases_30d, 0) as bigint) as purchases_30d,
    cast(coalesce(totals.net_revenue_30d, 0) as {{ decimal_type(18, 2) }}) as net_revenue_30d,
    cast(coalesce(totals.purchases_365d, 0) as bigint) as purchases_365d,
    cast(coalesce(totals.net_revenue_365d, 0) as {{ decimal_type(18, 2) }}) as net_revenue_365d,
    {{ average_amount('totals.net_revenue_365d', 'totals.purchases_365d') }} as average_order_value_365d,
    cast(case when coalesce(totals.buyers, 0) = 0 then 0 else totals.gross_margin_estimate_365d end as {{ decimal_type(28, 6) }})
        as gross_margin_estimate_365d,
    {{ quotient('totals.costed_net_revenue_365d', 'totals.net_revenue_365d', 8) }} as margin_known_share_365d,
    cast(coalesce(totals.sessions_30d, 0) as bigint) as sessions_30d,
    cast(coalesce(totals.mailed_customers_180d, 0) as bigint) as mailed_customers_180d,
    {{ quotient('totals.clicking_customers_180d', 'totals.mailed_customers_180d', 8) }} as email_click_rate_180d
from segments
left join totals on segments.segment = totals.segment
