-- One row per buyer: what they bought and spent, of all time and in windows.
with

purchases as (

    select * from {{ ref('int_purchases') }}
    where customer_id is not null

),

current_sale as (

    select * from {{ ref('int_current_sale') }}

),

totals as (

    select
        purchases.customer_id,
        count(*) as purchase_count,
        cast(sum(purchases.net_revenue) as {{ decimal_type(18, 2) }}) as net_revenue,
        cast(case when count(purchases.gross_margin) = count(*) then sum(purchases.gross_margin) end as {{ decimal_type(28, 6) }})
            as gross_margin,
        min(purchases.purchased_on) as first_purchased_on,
        max(purchases.purchased_on) as last_purchased_on,
        count(case when purchases.purchased_on > {{ days_ago(30) }} then 1 end) as purchases_30d,
        count(case when purchases.purchased_on > {{ days_ago(365) }} then 1 end) as purchases_365d,
        sum(case when purchases.purchased_on > {{ days_ago(30) }} then purchases.net_revenue else 0 end) as net_revenue_30d,
        sum(case when purchases.purchased_on > {{ days_ago(365) }} then purchases.net_revenue else 0 end) as net_revenue_365d,
        count(case when purchases.is_discounted and purchases.purchased_on > {{ months_ago(12) }} then 1 end)
            as discounted_purchases_12m,
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
    customer_id,
    purchase_count,
    net_revenue,
    gross_margin,
    {{ average_amount('net_revenue', 'purchase_count') }} as average_order_value,
    first_purchased_on,
    last_purchased_on,
    {{ days_between('last_purchased_on', as_of_date()) }} as recency_days,
    purchases_30d,
    purchases_365d,
    cast(net_revenue_30d as {{ decimal_type(18, 2) }}) as net_revenue_30d,
    cast(net_revenue_365d as {{ decimal_type(18, 2) }}) as net_revenue_365d,
    discounted_purchases_12m,
    purchases_in_current_sale,
    purchases_in_last_year_sale,
    2 * net_revenue_180d < net_revenue_180d_before as is_spend_declining
from totals
