-- One row with the current sale and its last-year edition, or none where no sale has started yet.
with

sales as (

    select * from {{ ref('stg_sale_campaigns') }}

),

started_sales as (

    select
        sales.*,
        row_number() over (
            order by {{ newest_sale_first('sales') }}
        ) as recency_rank
    from sales
    where starts_on <= {{ as_of_date() }}

)

select
    started_sales.sale_campaign_id,
    started_sales.sale_name,
    started_sales.starts_on,
    started_sales.ends_on,
    last_year_sales.sale_campaign_id as last_year_sale_campaign_id,
    last_year_sales.starts_on as last_year_starts_on,
    last_year_sales.ends_on as last_year_ends_on
from started_sales
left join sales as last_year_sales
    on started_sales.prior_sale_campaign_id = last_year_sales.sale_campaign_id
where started_sales.recency_rank = 1
