-- One row per buyer of the last 365 days and product that goes with what they hold and that they never bought: the best three.
with

product_purchases as (

    select * from {{ ref('int_product_purchases') }}
    where not is_reseller

),

-- In the order of preference: of the pairs that lead to one product the first is its reason, and of two products the first is the
-- better one. So a buyer's best pairs have the least numbers.
pairs as (

    select
        product_id,
        other_product_id,
        confidence,
        lift,
        row_number() over (
            order by
                confidence desc,
                lift desc,
                {{ binary_collation('other_product_id') }},
                {{ binary_collation('product_id') }}
        ) as pair_number
    from {{ ref('product_affinities') }}

),

held as (

    select distinct
        customer_id,
        product_id
    from product_purchases
    where is_kept and purchased_on > {{ days_ago(365) }}

),

candidates as (

    select
        held.customer_id,
        pairs.other_product_id,
        min(pairs.pair_number) as pair_number
    from held
    inner join pairs on held.product_id = pairs.product_id
    group by held.customer_id, pairs.other_product_id

),

-- Whoever sent a product back needs no mail about it either.
known as (

    select distinct
        customer_id,
        product_id
    from product_purchases

),

new_to_them as (

    select
        candidates.customer_id,
        candidates.pair_number,
        row_number() over (partition by candidates.customer_id order by candidates.pair_number) as next_product_number
    from candidates
    left join known
        on candidates.customer_id = known.customer_id and candidates.other_product_id = known.product_id
    where known.customer_id is null

)

select
    new_to_them.customer_id,
    {{ as_of_date() }} as as_of_date,
    cast(new_to_them.next_product_number as bigint) as next_product_number,
    pairs.other_product_id as product_id,
    pairs.product_id as because_product_id,
    pairs.confidence,
    pairs.lift
from new_to_them
inner join pairs on new_to_them.pair_number = pairs.pair_number
where new_to_them.next_product_number <= 3
