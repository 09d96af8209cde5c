-- One row per product, and one per category, that enough buyers began with at least 180 days ago: how many came back, and what
-- they were worth in their first 365 days.
with

product_purchases as (

    select * from {{ ref('int_product_purchases') }}

),

resellers as (

    select distinct customer_id
    from product_purchases
    where is_reseller

),

purchases as (

    select
        int_purchase_sequence.*,
        int_purchase_sequence.purchased_on < {{ days_after('int_purchase_sequence.first_purchased_on', 365) }} as is_of_365d
    from {{ ref('int_purchase_sequence') }} as int_purchase_sequence
    left join resellers on int_purchase_sequence.customer_id = resellers.customer_id
    where int_purchase_sequence.first_purchased_on <= {{ days_ago(180) }} and resellers.customer_id is null

),

buyers as (

    select
        customer_id,
        max(case when purchase_number = 1 then order_id end) as first_order_id,
        max(
            case
                when purchased_on > first_purchased_on and purchased_on <= {{ days_after('first_purchased_on', 180) }} then 1
                else 0
            end
        ) as has_returned,
        max(case when first_purchased_on <= {{ days_ago(364) }} then 1 else 0 end) as has_had_365d,
        sum(case when is_of_365d then net_revenue else 0 end) as net_revenue,
        sum(case when is_of_365d and gross_margin is not null then net_revenue else 0 end) as costed_net_revenue,
        sum(case when is_of_365d then coalesce(gross_margin, 0) else 0 end) as costed_gross_margin
    from purchases
    group by customer_id

),

shop as (

    select {{ quotient('sum(has_returned)', 'count(*)', 8) }} as return_rate
    from buyers

),

things as (

    select
        order_id,
        'product' as kind,
        product_id,
        category
    from product_purchases
    where is_kept

    union all

    select distinct
        order_id,
        'category' as kind,
        cast(null as {{ dbt.type_string() }}) as product_id,
        category
    from product_purchases
    where is_kept and category is not null

),

totals as (

    select
        things.kind,
        things.product_id,
        things.category,
        count(*) as first_buyers,
        sum(buyers.has_returned) as returned_buyers,
        sum(buyers.has_had_365d) as buyers_of_365d,
        sum(case when buyers.has_had_365d = 1 then buyers.net_revenue else 0 end) as net_revenue,
        sum(case when buyers.has_had_365d = 1 then buyers.costed_net_revenue else 0 end) as costed_net_revenue,
        sum(case when buyers.has_had_365d = 1 then buyers.costed_gross_margin else 0 end) as costed_gross_margin
    from buyers
    inner join things on buyers.first_order_id = things.order_id
    group by things.kind, things.product_id, things.category
    having count(*) >= {{ var('gateway_min_buyers') }}

),

shown as (

    select
        totals.*,
        totals.buyers_of_365d >= {{ var('gateway_min_buyers') }} as are_365d_shown,
        {{ group_margin('totals.net_revenue', 'totals.costed_net_revenue', 'totals.costed_gross_margin') }} as gross_margin
    from totals

)

select
    shown.kind,
    shown.product_id,
    shown.category,
    {{ as_of_date() }} as as_of_date,
    products.product_name,
    shown.first_buyers,
    cast(shown.returned_buyers as bigint) as returned_buyers,
    {{ quotient('shown.returned_buyers', 'shown.first_buyers', 8) }} as return_rate,
    cast({{ wilson_limit('lower', 'shown.returned_buyers', 'shown.first_buyers') }} as {{ decimal_type(18, 8) }})
        as return_rate_from,
    cast({{ wilson_limit('upper', 'shown.returned_buyers', 'shown.first_buyers') }} as {{ decimal_type(18, 8) }})
        as return_rate_to,
    shop.return_rate as shop_return_rate,
    cast(shown.buyers_of_365d as bigint) as buyers_of_365d,
    case when shown.are_365d_shown then {{ average_amount('shown.net_revenue', 'shown.buyers_of_365d') }} end
        as net_revenue_365d_per_buyer,
    case when shown.are_365d_shown then {{ average_amount('shown.gross_margin', 'shown.buyers_of_365d') }} end
        as gross_margin_365d_per_buyer
from shown
cross join shop
left join {{ ref('stg_products') }} as products on shown.product_id = products.product_id
