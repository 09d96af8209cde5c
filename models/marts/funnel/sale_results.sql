-- One row per sale that has begun: what it sold, to whom, and whether the buyers whom it won come back.
with

sales as (

    select
        sales.*,
        cast({{ dbt.dateadd('month', -12, 'sales.ends_on') }} as date) as twelve_months_before_end,
        {{ days_after('sales.ends_on', 180) }} as judged_on
    from {{ ref('stg_sale_campaigns') }} as sales
    where sales.starts_on <= {{ as_of_date() }}

),

sold as (

    select
        sales.sale_campaign_id,
        count(*) as purchases,
        sum(purchases.net_revenue) as net_revenue,
        sum(case when purchases.is_discounted then 1 else 0 end) as discounted_purchases,
        sum(case when purchases.gross_margin is not null then purchases.net_revenue else 0 end) as costed_net_revenue,
        sum(coalesce(purchases.gross_margin, 0)) as costed_gross_margin
    from sales
    inner join {{ ref('int_purchases') }} as purchases on purchases.purchased_on between sales.starts_on and sales.ends_on
    group by sales.sale_campaign_id

),

purchases as (

    select
        customer_id,
        purchased_on,
        first_purchased_on,
        lag(purchased_on) over (partition by customer_id order by purchase_number) as previous_purchased_on
    from {{ ref('int_purchase_sequence') }}

),

-- Of a buyer's purchases in a sale, the first alone follows one from before it.
sale_buyers as (

    select
        sales.sale_campaign_id,
        purchases.customer_id,
        max(
            case
                when
                    purchases.previous_purchased_on < sales.starts_on
                    and {{ days_between('purchases.previous_purchased_on', 'purchases.purchased_on') }} > 180
                    then 1
                else 0
            end
        ) as is_reactivated
    from sales
    inner join purchases on purchases.purchased_on between sales.starts_on and sales.ends_on
    group by sales.sale_campaign_id, purchases.customer_id

),

bought as (

    select
        sales.sale_campaign_id,
        count(*) as buyers,
        sum(sale_buyers.is_reactivated) as reactivated_buyers,
        count(last_year_buyers.customer_id) as last_year_buyers_back
    from sales
    inner join sale_buyers on sales.sale_campaign_id = sale_buyers.sale_campaign_id
    left join sale_buyers as last_year_buyers
        on
            sales.prior_sale_campaign_id = last_year_buyers.sale_campaign_id
            and sale_buyers.customer_id = last_year_buyers.customer_id
    group by sales.sale_campaign_id

),

-- Who bought for the first time in the sale, or else in the 12 months that end with it, and who of them bought in the 180 days
-- after it.
first_buyers as (

    select
        sales.sale_campaign_id,
        purchases.customer_id,
        max(case when purchases.first_purchased_on >= sales.starts_on then 1 else 0 end) as is_new,
        max(
            case when purchases.purchased_on > sales.ends_on and purchases.purchased_on <= sales.judged_on then 1 else 0 end
        ) as has_come_back
    from sales
    inner join purchases
        on
            sales.ends_on >= purchases.first_purchased_on
            and (
                sales.starts_on <= purchases.first_purchased_on
                or sales.twelve_months_before_end < purchases.first_purchased_on
            )
    group by sales.sale_campaign_id, purchases.customer_id

),

newcomers as (

    select
        sale_campaign_id,
        sum(is_new) as new_buyers,
        sum(is_new * has_come_back) as new_buyers_back,
        sum(1 - is_new) as other_new_buyers,
        sum((1 - is_new) * has_come_back) as other_new_buyers_back
    from first_buyers
    group by sale_campaign_id

),

counted as (

    select
        sales.*,
        sales.judged_on <= {{ as_of_date() }} as is_judged,
        coalesce(sold.purchases, 0) as purchases,
        coalesce(sold.net_revenue, 0) as net_revenue,
        sold.discounted_purchases,
        coalesce(sold.costed_net_revenue, 0) as costed_net_revenue,
        coalesce(sold.costed_gross_margin, 0) as costed_gross_margin,
        coalesce(bought.buyers, 0) as buyers,
        coalesce(bought.reactivated_buyers, 0) as reactivated_buyers,
        case when last_year.sale_campaign_id is not null then coalesce(last_year_bought.buyers, 0) end as last_year_buyers,
        case when last_year.sale_campaign_id is not null then coalesce(bought.last_year_buyers_back, 0) end
            as last_year_buyers_back,
        coalesce(newcomers.new_buyers, 0) as new_buyers,
        coalesce(newcomers.new_buyers_back, 0) as new_buyers_back,
        coalesce(newcomers.other_new_buyers, 0) as other_new_buyers,
        coalesce(newcomers.other_new_buyers_back, 0) as other_new_buyers_back
    from sales
    left join sold on sales.sale_campaign_id = sold.sale_campaign_id
    left join bought on sales.sale_campaign_id = bought.sale_campaign_id
    left join {{ ref('stg_sale_campaigns') }} as last_year on sales.prior_sale_campaign_id = last_year.sale_campaign_id
    left join bought as last_year_bought on last_year.sale_campaign_id = last_year_bought.sale_campaign_id
    left join newcomers on sales.sale_campaign_id = newcomers.sale_campaign_id

),

compared as (

    select
        counted.*,
        1.0 * new_buyers_back / nullif(new_buyers, 0) as return_rate,
        1.0 * other_new_buyers_back / nullif(other_new_buyers, 0) as other_return_rate,
        {{ wilson_limit('lower', 'new_buyers_back', 'new_buyers') }} as return_rate_from,
        {{ wilson_limit('upper', 'new_buyers_back', 'new_buyers') }} as return_rate_to,
        {{ wilson_limit('lower', 'other_new_buyers_back', 'other_new_buyers') }} as other_return_rate_from,
        {{ wilson_limit('upper', 'other_new_buyers_back', 'other_new_buyers') }} as other_return_rate_to
    from counted

),

-- Nobody's return can be judged before its days have passed.
shown as (

    select
        compared.*,
        return_rate - other_return_rate as difference,
        return_rate - other_return_rate - {{ newcombe_reach(
            'return_rate', 'return_rate_from', 'other_return_rate', 'other_return_rate_to'
        ) }} as difference_from,
        return_rate - other_return_rate + {{ newcombe_reach(
            'return_rate', 'return_rate_to', 'other_return_rate', 'other_return_rate_from'
        ) }} as difference_to
    from compared

)

select
    sale_campaign_id,
    {{ as_of_date() }} as as_of_date,
    sale_name,
    starts_on,
    ends_on,
    ends_on <= {{ as_of_date() }} as is_over,
    {{ days_between('starts_on', 'least(ends_on, ' ~ as_of_date() ~ ')') }} + 1 as sale_days,
    cast(purchases as bigint) as purchases,
    cast(net_revenue as {{ decimal_type(18, 2) }}) as net_revenue,
    {{ quotient('discounted_purchases', 'purchases', 8) }} as discounted_share,
    {{ group_margin('net_revenue', 'costed_net_revenue', 'costed_gross_margin') }} as gross_margin,
    cast(buyers as bigint) as buyers,
    cast(new_buyers as bigint) as new_buyers,
    cast(reactivated_buyers as bigint) as reactivated_buyers,
    cast(case when is_judged then new_buyers_back end as bigint) as new_buyers_back,
    cast(case when is_judged then {{ quotient('new_buyers_back', 'new_buyers', 8) }} end as {{ decimal_type(18, 8) }})
        as new_buyer_return_rate,
    cast(case when is_judged then other_new_buyers end as bigint) as other_new_buyers,
    cast(case when is_judged then other_new_buyers_back end as bigint) as other_new_buyers_back,
    cast(case when is_judged then {{ quotient('other_new_buyers_back', 'other_new_buyers', 8) }} end as {{ decimal_type(18, 8) }})
        as other_new_buyer_return_rate,
    cast(case when is_judged then difference end as {{ decimal_type(18, 8) }}) as return_rate_difference,
    cast(case when is_judged then difference_from end as {{ decimal_type(18, 8) }}) as return_rate_difference_from,
    cast(case when is_judged then difference_to end as {{ decimal_type(18, 8) }}) as return_rate_difference_to,
    cast(last_year_buyers as bigint) as last_year_buyers,
    cast(last_year_buyers_back as bigint) as last_year_buyers_back
from shown
