-- One row per customer, with every trait that comes with the project.
-- A view: customers alone reads it, and adds the registered traits.
{{ config(materialized='view') }}

with

customers as (

    select * from {{ ref('int_customers') }}

),

email_refusals as (

    select * from {{ ref('int_customer_email_refusals') }}

),

emails as (

    select * from {{ ref('int_customer_emails') }}

),

orders as (

    select * from {{ ref('int_customer_orders') }}

),

purchases as (

    select * from {{ ref('int_customer_purchases') }}

),

last_purchases as (

    select * from {{ ref('int_customer_last_purchases') }}

),

-- A tier holds from its own net revenue on, to below that of the next.
loyalty_tiers as (

    select
        tier,
        from_net_revenue_365d,
        lead(from_net_revenue_365d) over (order by from_net_revenue_365d, {{ binary_collation('tier') }}) as next_net_revenue_365d
    from {{ ref('stg_loyalty_tiers') }}

),

categories as (

    select
        customer_id,
        count(*) as categories_365d
    from {{ ref('customer_categories') }}
    group by customer_id

),

due_products as (

    select
        customer_id,
        count(*) as products_due
    from {{ ref('due_products') }}
    group by customer_id

),

cadence as (

    select * from {{ ref('int_purchase_cadence') }}

),

rfm as (

    select * from {{ ref('int_rfm') }}

),

rfm_groups as (

    select * from {{ ref('rfm_groups') }}

),

sessions as (

    select * from {{ ref('int_customer_sessions') }}

),

last_open_carts as (

    select * from {{ ref('int_last_open_carts') }}

),

reviews as (

    select * from {{ ref('int_customer_reviews') }}

),

traits as (

    select
        customers.customer_id,
        customers.as_of_date,

        customers.is_guest,
        customers.country_code,
        customers.city,
        customers.created_on,
        customers.acquisition_channel,
        customers.consented_at is not null
        and coalesce(email_refusals.last_unsubscribed_at < customers.consented_at, true) as is_subscribed,
        customers.consented_on,
        customers.normalized_email is not null
        and not coalesce(email_refusals.has_complained, false)
        and not coalesce(email_refusals.has_bounced, false) as is_reachable_by_email,
        customers.is_sms_subscribed,
        customers.phone is not null as has_phone,
        customers.ads_consent,
        {{ has_birthday_in('customers.birth_date', days=7) }} as has_birthday_in_7d,

        coalesce(purchases.purchase_count, 0) as purchase_count,
        coalesce(purchases.net_revenue, 0) as net_revenue,
        case when purchases.customer_id is null then 0 else purchases.gross_margin end as gross_margin,
        case when purchases.customer_id is null then 0 else purchases.gross_margin_estimate end as gross_margin_estimate,
        purchases.margin_known_share,
        purchases.average_order_value,
        coalesce(purchases.purchases_365d, 0) as purchases_365d,
        coalesce(purchases.net_revenue_365d, 0) as net_revenue_365d,
        loyalty_tiers.tier as loyalty_tier,
        purchases.first_purchased_on,
        purchases.last_purchased_on,
        last_purchases.last_delivered_on,
        last_purchases.days_since_receipt,
        last_purchases.days_to_second_purchase,
        last_purchases.last_three_products,

        purchases.recency_days,
        case when purchases.customer_id is not null then coalesce(rfm.frequency, 0) end as frequency,
        rfm.monetary_value,
        rfm.recency_score,
        rfm.frequency_score,
        rfm.monetary_score,
        rfm.revenue_score,
        rfm.visit_score,
        rfm.rfm_code,
        rfm_groups.rfm_group,
        rfm.margin_tier,

        coalesce(cadence.purchase_dates, 0) as purchase_dates,
        cadence.previous_gap_days,
        cadence.expected_gap_days,
        {{ days_after('purchases.last_purchased_on', 'cast(ceil(cadence.expected_gap_days) as integer)') }}
            as expected_next_purchase_on,
        coalesce(due_products.products_due, 0) as products_due,
        coalesce(purchases.is_spend_declining, false) as is_spend_declining,

        orders.customer_id is not null as has_ordered,
        coalesce(orders.has_ordered_30d, false) as has_ordered_30d,
        coalesce(purchases.purchases_30d, 0) as purchases_30d,
        coalesce(purchases.discounted_purchases_12m, 0) as discounted_purchases_12m,
        coalesce(purchases.full_price_purchases, 0) as full_price_purchases,
        purchases.discount_dependence,
        coalesce(categories.categories_365d, 0) as categories_365d,

        coalesce(purchases.purchases_in_current_sale, 0) as purchases_in_current_sale,
        coalesce(orders.has_ordered_in_current_sale, false) as has_ordered_in_current_sale,
        coalesce(purchases.purchases_in_last_year_sale, 0) as purchases_in_last_year_sale,
        coalesce(sessions.open_carts_in_current_sale, 0) as open_carts_in_current_sale,

        sessions.last_session_on,
        coalesce(sessions.sessions_30d, 0) as sessions_30d,
        coalesce(sessions.sessions_90d, 0) as sessions_90d,
        coalesce(sessions.sessions_180d, 0) as sessions_180d,
        coalesce(sessions.product_views_30d, 0) as product_views_30d,
        coalesce(sessions.high_ticket_interactions_30d, 0) as high_ticket_interactions_30d,
        coalesce(sessions.recommendation_clicks_30d, 0) as recommendation_clicks_30d,
        coalesce(sessions.open_carts_30d, 0) as open_carts_30d,
        last_open_carts.last_open_cart_on,
        last_open_carts.open_cart_products,
        coalesce(orders.has_ordered_since_last_open_cart, false) as has_ordered_since_last_open_cart,

        coalesce(emails.email_clicks_30d, 0) as email_clicks_30d,
        coalesce(emails.email_clicks_90d, 0) as email_clicks_90d,
        coalesce(emails.email_clicks_180d, 0) as email_clicks_180d,
        coalesce(emails.emails_received_7d, 0) as emails_received_7d,
        coalesce(emails.emails_received_180d, 0) as emails_received_180d,

        reviews.last_reviewed_on,
        reviews.last_review_rating
    from customers
    left join email_refusals on customers.customer_id = email_refusals.customer_id
    left join emails on customers.customer_id = emails.customer_id
    left join orders on customers.customer_id = orders.customer_id
    left join purchases on customers.customer_id = purchases.customer_id
    left join last_purchases on customers.customer_id = last_purchases.customer_id
    left join loyalty_tiers
        on
            coalesce(purchases.net_revenue_365d, 0) >= loyalty_tiers.from_net_revenue_365d
            and (
                coalesce(purchases.net_revenue_365d, 0) < loyalty_tiers.next_net_revenue_365d
                or loyalty_tiers.next_net_revenue_365d is null
            )
    left join categories on customers.customer_id = categories.customer_id
    left join due_products on customers.customer_id = due_products.customer_id
    left join cadence on customers.customer_id = cadence.customer_id
    left join rfm on customers.customer_id = rfm.customer_id
    left join rfm_groups on rfm.rfm_code = rfm_groups.rfm_code
    left join sessions on customers.customer_id = sessions.customer_id
    left join last_open_carts on customers.customer_id = last_open_carts.customer_id
    left join reviews on customers.customer_id = reviews.customer_id

),

-- Gaps are compared by multiplying: a quotient would be rounded at its boundary.
staged as (

    select
        traits.*,
        cast(1.0 * recency_days / expected_gap_days as {{ decimal_type(18, 8) }}) as overdue_ratio,
        case
            when purchase_count = 0 then 'lead'
            when purchase_count = 1 and last_purchased_on > {{ days_ago(90) }} then 'new'
            when recency_days <= {{ var('at_risk_after_gaps') }} * expected_gap_days then 'active'
            when recency_days <= {{ var('inactive_after_gaps') }} * expected_gap_days then 'at_risk'
            else 'inactive'
        end as lifecycle_stage,
        case
            when purchase_count = 0 then null
            when monetary_score >= 4 or revenue_score = 5 then 'high'
            else 'low'
        end as value_tier
    from traits

)

select
    customer_id,
    as_of_date,

    is_guest,
    country_code,
    city,
    created_on,
    acquisition_channel,
    is_subscribed,
    consented_on,
    {{ days_between('consented_on', as_of_date()) }} as consent_age_days,
    is_subscribed and is_reachable_by_email as is_contactable_by_email,
    is_sms_subscribed,
    is_sms_subscribed and has_phone as is_contactable_by_sms,
    ads_consent,
    has_birthday_in_7d,

    purchase_count,
    net_revenue,
    gross_margin,
    gross_margin_estimate,
    margin_known_share,
    average_order_value,
    purchases_365d,
    cast(net_revenue_365d as {{ decimal_type(18, 2) }}) as net_revenue_365d,
    loyalty_tier,
    first_purchased_on,
    last_purchased_on,
    last_delivered_on,
    days_since_receipt,
    days_to_second_purchase,
    last_three_products,

    recency_days,
    frequency,
    monetary_value,
    recency_score,
    frequency_score,
    monetary_score,
    revenue_score,
    visit_score,
    rfm_code,
    rfm_group,

    purchase_dates,
    previous_gap_days,
    expected_gap_days,
    overdue_ratio,
    expected_next_purchase_on,
    {{ days_between(as_of_date(), 'expected_next_purchase_on') }} as days_to_expected_purchase,
    products_due,
    lifecycle_stage,
    value_tier,
    margin_tier,
    is_spend_declining,

    has_ordered,
    has_ordered_30d,
    purchases_30d,
    discounted_purchases_12m,
    full_price_purchases,
    discount_dependence,
    categories_365d,

    purchases_in_current_sale,
    has_ordered_in_current_sale,
    purchases_in_last_year_sale,
    open_carts_in_current_sale,

    last_session_on,
    sessions_30d,
    sessions_90d,
    sessions_180d,
    product_views_30d,
    high_ticket_interactions_30d,
    recommendation_clicks_30d,
    open_carts_30d,
    last_open_cart_on,
    {{ days_between('last_open_cart_on', as_of_date()) }} as open_cart_age_days,
    open_cart_products,
    has_ordered_since_last_open_cart,

    email_clicks_30d,
    email_clicks_90d,
    email_clicks_180d,
    emails_received_7d,
    emails_received_180d,

    last_reviewed_on,
    {{ days_between('last_reviewed_on', as_of_date()) }} as review_age_days,
    last_review_rating
from staged
