-- One row per ordered pair of products that more buyers hold together than by chance: the ten best others of each.
with

pairs as (

    {{ affinities('product', 'product_id') | indent(4) }}

),

products as (

    select * from {{ ref('stg_products') }}

)

select
    pairs.product_id,
    pairs.other_product_id,
    {{ as_of_date() }} as as_of_date,
    products.product_name,
    other_products.product_name as other_product_name,
    cast(pairs.affinity_number as bigint) as affinity_number,
    pairs.buyers,
    pairs.product_buyers,
    pairs.other_product_buyers,
    pairs.common_buyers,
    pairs.support,
    pairs.confidence,
    pairs.lift,
    pairs.log_likelihood_ratio
from pairs
inner join products on pairs.product_id = products.product_id
inner join products as other_products on pairs.other_product_id = other_products.product_id
