-- One row per delivered row of raw.reviews, with its verdict.
{% set columns = [
    'review_id',
    'customer_id',
    'order_id',
    'product_id',
    'rating',
    'topic',
    'reviewed_at'
] %}
{% set readable = ['rating', 'reviewed_at', 'loaded_at'] %}

with

judged as (

    select
        *,
        {{ row_fault(
            required=['review_id', 'customer_id', 'rating', 'reviewed_at'],
            readable=readable,
            forbidden={
                'rating not between 1 and 5': "rating < 1 or rating > 5"
            }
        ) }} as row_fault
    from {{ source('raw', 'reviews') }}

),

ranked as (

    select
        judged.*,
        cast(null as {{ dbt.type_string() }}) as relation_fault,
        {{ version_rank(
            key=['judged.review_id'],
            order_by=[
                'judged.reviewed_at',
                by_code_point('judged.customer_id'),
                by_code_point('judged.order_id'),
                by_code_point('judged.product_id'),
                'judged.rating',
                by_code_point('judged.topic')
            ]
        ) }} as version_rank
    from judged

)

select
    review_id,
    customer_id as account_id,
    order_id,
    product_id,
    rating,
    topic,
    reviewed_at,
    {{ local_date('reviewed_at') }} as reviewed_on,
    {{ verdict_columns(columns, readable) }}
from ranked
