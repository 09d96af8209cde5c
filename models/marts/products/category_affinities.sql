-- One row per ordered pair of categories that more buyers hold together than by chance: the ten best others of each.
with

pairs as (

    {{ affinities('category', 'category') | indent(4) }}

)

select
    category,
    other_category,
    {{ as_of_date() }} as as_of_date,
    cast(affinity_number as bigint) as affinity_number,
    buyers,
    category_buyers,
    other_category_buyers,
    common_buyers,
    support,
    confidence,
    lift,
    log_likelihood_ratio
from pairs
