-- One row per segment and customer in it, with what a BI tool slices them by. A view: it holds nothing of its own.
{{ config(materialized='view') }}
select
    memberships.as_of_date,
    memberships.segment,
    segments.title as segment_title,
    segments.segment_group,
    customers.customer_id,

    customers.is_guest,
    customers.country_code,
    customers.city,
    customers.acquisition_channel,
    customers.created_on,
    customers.is_subscribed,
    customers.is_contactable_by_email,

    customers.lifecycle_stage,
    customers.value_tier,
    customers.rfm_group,
    customers.recency_score,
    customers.frequency_score,
    customers.monetary_score,

    customers.purchase_count,
    customers.net_revenue,
    customers.gross_margin,
    customers.gross_margin_estimate,
    customers.margin_known_share,
    customers.average_order_value,
    customers.first_purchased_on,
    customers.last_purchased_on,
    customers.recency_days
from {{ ref('segment_memberships') }} as memberships
inner join {{ ref('segments') }} as segments on memberships.segment = segments.segment
inner join {{ ref('customers') }} as customers on memberships.customer_id = customers.customer_id
