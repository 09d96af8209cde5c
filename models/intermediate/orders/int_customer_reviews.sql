-- One row per customer with a product review up to the as-of date: the latest one.
with

reviews as (

    select * from {{ ref('stg_reviews') }}
    where reviewed_on <= {{ as_of_date() }}

),

accounts as (

    select * from {{ ref('int_accounts') }}

),

ranked as (

    select
        accounts.customer_id,
        reviews.reviewed_on,
        reviews.rating,
        row_number() over (
            partition by accounts.customer_id
            order by reviews.reviewed_at desc, {{ binary_collation('reviews.review_id') }} desc
        ) as recency_rank
    from reviews
    inner join accounts on reviews.account_id = accounts.account_id
    where not accounts.is_test_customer

)

select
    customer_id,
    reviewed_on as last_reviewed_on,
    rating as last_review_rating
from ranked
where recency_rank = 1
