-- One row per buyer: what they bought and spent, of all time and in windows.
with

purchases as (

    select * from {{ ref('int_purchases') }}
    where customer_id is not null

),

current_sale as (

    select * from {{ ref('int_current_sale') }}

),

shop as (

    {{ shop_margin_rate() }}

),

totals as (

    select
        purchases.customer_id,
        count(*) as purchase_count,
        cast(sum(purchases.net_revenue) as {{ decimal_type(18, 2) }}) as net_revenue,
        cast(case when count(purchases.gross_margin) = count(*) then sum(purchases.gross_margin) end as {{ decimal_type(28, 6) }})
            as gross_margin,
        cast(sum(case when purchases.gross_margin is not null then purchases.net_revenue else 0 end) as {{ decimal_type(18, 2) }})
            as costed_net_revenue,
        sum(coalesce(purchases.gross_margin, 0)) as costed_gross_margin,
        min(purchases.purchased_on) as first_purchased_on,
        max(purchases.purchased_on) as last_purchased_on,
        count(case when purchases.purchased_on > {{ days_ago(30) }} then 1 end) as purchases_30d,
        count(case when purchases.purchased_on > {{ days_ago(365) }} then 1 end) as purchases_365d,
        sum(case when purchases.purchased_on > {{ days_ago(30) }} then purchases.net_revenue else 0 end) as net_revenue_30d,
        sum(case when purchases.purchased_on > {{ days_ago(365) }} then purchases.net_revenue else 0 end) as net_revenue_365d,
        sum(
            case
                when purchases.purchased_on > {{ days_ago(365) }} and purchases.gross_margin is not null
                    then purchases.net_revenue
                else 0
            end
        ) as costed_net_revenue_365d,
        sum(case when purchases.purchased_on > {{ days_ago(365) }} then coalesce(purchases.gross_margin, 0) else 0 end)
            as costed_gross_margin_365d,
        {% set is_in_window = "purchases.purchased_on > " ~ days_ago(var('rfm_window_days')) %}
        sum(case when {{ is_in_window }} then purchases.net_revenue else 0 end) as net_revenue_in_window,
        sum(case when {{ is_in_window }} and purchases.gross_margin is not null then purchases.net_revenue else 0 end)
            as costed_net_revenue_in_window,
        sum(case when {{ is_in_window }} then coalesce(purchases.gross_margin, 0) else 0 end) as costed_gross_margin_in_window,
        count(case when purchases.is_discounted and purchases.purchased_on > {{ months_ago(12) }} then 1 end)
            as discounted_purchases_12m,
        count(case when not purchases.is_discounted then 1 end) as full_price_purchases,
        count(case when purchases.purchased_on between current_sale.starts_on and current_sale.ends_on then 1 end)
            as purchases_in_current_sale,
        count(
            case
                when purchases.purchased_on between current_sale.last_year_starts_on and current_sale.last_year_ends_on
                    then 1
            end
        ) as purchases_in_last_year_sale,
        sum(case when purchases.purchased_on > {{ days_ago(180) }} then purchases.net_revenue else 0 end)
            as net_revenue_180d,
        sum(
            case
                when purchases.purchased_on <= {{ days_ago(180) }} and purchases.purchased_on > {{ days_ago(360) }}
                    then purchases.net_revenue
                else 0
            end
        ) as net_revenue_180d_before
    from purchases
    left join current_sale on true
    group by purchases.customer_id

)

select
    totals.customer_id,
    totals.purchase_count,
    totals.net_revenue,
    totals.gross_margin,
    {{ estimated_margin(
        'totals.net_revenue', 'totals.costed_net_revenue', 'totals.costed_gross_margin', 'shop.margin_rate'
    ) }} as gross_margin_estimate,
    cast(
        case
            when totals.costed_net_revenue = totals.net_revenue then 1
            else {{ quotient('totals.costed_net_revenue', 'totals.net_revenue', 8) }}
        end as {{ decimal_type(18, 8) }}
    ) as margin_known_share,
    {{ average_amount('totals.net_revenue', 'totals.purchase_count') }} as average_order_value,
    totals.first_purchased_on,
    totals.last_purchased_on,
    {{ days_between('totals.last_purchased_on', as_of_date()) }} as recency_days,
    totals.purchases_30d,
    totals.purchases_365d,
    cast(totals.net_revenue_30d as {{ decimal_type(18, 2) }}) as net_revenue_30d,
    cast(totals.net_revenue_365d as {{ decimal_type(18, 2) }}) as net_revenue_365d,
    cast(totals.costed_net_revenue_365d as {{ decimal_type(18, 2) }}) as costed_net_revenue_365d,
    {{ estimated_margin(
        'totals.net_revenue_365d', 'totals.costed_net_revenue_365d', 'totals.costed_gross_margin_365d', 'shop.margin_rate'
    ) }} as gross_margin_estimate_365d,
    {{ estimated_margin(
        'totals.net_revenue_in_window', 'totals.costed_net_revenue_in_window', 'totals.costed_gross_margin_in_window',
        'shop.margin_rate'
    ) }} as gross_margin_estimate_in_window,
    totals.discounted_purchases_12m,
    totals.full_price_purchases,
    {{ quotient('totals.purchase_count - totals.full_price_purchases', 'totals.purchase_count', 4) }} as discount_dependence,
    totals.purchases_in_current_sale,
    totals.purchases_in_last_year_sale,
    2 * totals.net_revenue_180d < totals.net_revenue_180d_before as is_spend_declining
from totals
cross join shop
