-- One row per purchase, with what BI tools ask of it. An unattributed purchase has no customer, and no place among a customer's.
with

purchases as (

    select * from {{ ref('int_purchases') }}

),

sequence as (

    select * from {{ ref('int_purchase_sequence') }}

),

sales as (

    select * from {{ ref('stg_sale_campaigns') }}

),

purchase_dates as (

    select distinct purchased_on
    from purchases

),

-- Of sales that overlap, the one that a date belongs to is chosen as the current sale is.
ranked_sales as (

    select
        purchase_dates.purchased_on,
        sales.sale_campaign_id,
        sales.sale_name,
        row_number() over (
            partition by purchase_dates.purchased_on
            order by {{ newest_sale_first('sales') }}
        ) as sale_rank
    from purchase_dates
    inner join sales on purchase_dates.purchased_on between sales.starts_on and sales.ends_on

)

select
    purchases.order_id,
    purchases.customer_id,
    {{ as_of_date() }} as as_of_date,

    purchases.purchased_at,
    purchases.purchased_on,
    sequence.first_purchased_on,
    cast(sequence.purchase_number as bigint) as purchase_number,
    case
        when sequence.order_id is not null then {{ buyer_type('purchases.purchased_on', 'sequence.first_purchased_on') }}
    end as buyer_type,

    purchases.gross_amount,
    purchases.discount_amount,
    purchases.refunded_amount,
    purchases.net_revenue,
    purchases.cost,
    purchases.gross_margin,

    purchases.is_discounted,
    purchases.refunded_amount > 0 as is_refunded,
    ranked_sales.sale_campaign_id,
    ranked_sales.sale_name
from purchases
left join sequence on purchases.order_id = sequence.order_id
left join ranked_sales on purchases.purchased_on = ranked_sales.purchased_on and ranked_sales.sale_rank = 1
