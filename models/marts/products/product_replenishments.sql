-- One row per product that was bought again often enough: how many days usually lie between two purchase dates of one buyer.
with

gaps as (

    select
        product_id,
        count(distinct customer_id) as buyers,
        count(*) as gaps,
        {{ median('gap_days') }} as median_gap_days
    from {{ ref('int_product_purchases') }}
    where gap_days is not null and not is_reseller
    group by product_id
    having count(*) >= {{ var('replenishment_min_gaps') }}

)

select
    gaps.product_id,
    {{ as_of_date() }} as as_of_date,
    products.product_name,
    products.category,
    gaps.buyers,
    gaps.gaps,
    cast(gaps.median_gap_days as {{ decimal_type(18, 1) }}) as median_gap_days
from gaps
inner join {{ ref('stg_products') }} as products on gaps.product_id = products.product_id
