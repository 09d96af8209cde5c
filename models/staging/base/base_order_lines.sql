-- One row per delivered row of raw.order_lines, with its verdict.
{% set columns = [
    'order_line_id',
    'order_id',
    'product_id',
    'quantity',
    'unit_price',
    'list_price',
    'discount_amount',
    'updated_at'
] %}
{% set readable = ['quantity', 'unit_price', 'discount_amount', 'updated_at', 'loaded_at'] %}
{% set descriptive = ['list_price'] %}

with

judged as (

    select
        *,
        {{ row_fault(
            required=['order_line_id', 'order_id', 'quantity', 'unit_price', 'updated_at'],
            readable=readable,
            forbidden={
                'quantity not above 0': "quantity <= 0",
                'negative unit_price': "unit_price < 0",
                'negative discount_amount': "discount_amount < 0",
                'quantity x unit_price too large': "cast(quantity as " ~ decimal_type(19, 6) ~ ") * unit_price >= 1000000000000"
            }
        ) }} as row_fault
    from {{ source('raw', 'order_lines') }}

),

accepted_orders as (

    select order_id as accepted_order_id from {{ ref('base_orders') }}
    where verdict = 'kept'

),

ranked as (

    select
        judged.*,
        case when accepted_orders.accepted_order_id is null then 'unknown or rejected order' end as relation_fault,
        {{ version_rank(
            key=['judged.order_line_id'],
            order_by=[
                'judged.updated_at desc',
                by_code_point('judged.order_id'),
                by_code_point('judged.product_id'),
                'judged.quantity',
                'judged.unit_price',
                'judged.list_price',
                'judged.discount_amount'
            ],
            descriptive=descriptive
        ) }} as version_rank
    from judged
    left join accepted_orders on judged.order_id = accepted_orders.accepted_order_id

)

select
    order_line_id,
    order_id,
    product_id,
    quantity,
    unit_price,
    list_price,
    coalesce(discount_amount, 0) as discount_amount,
    updated_at,
    {{ unreadable('list_price') }} as list_price_repaired_from,
    {{ verdict_columns(columns, readable + descriptive) }}
from ranked
