-- One row per delivered row of raw.order_lines that needs a verdict: it breaks the contract, shares its key with
-- another or has an unreadable list price. All others are kept: stg_order_lines reads them where they were delivered.
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

repeated_keys as (

    {{ repeated_keys(source('raw', 'order_lines'), 'order_line_id') }}

),

delivered as (

    select
        *,
        {{ key_hash('order_line_id') }} as key_hash,
        {{ row_fault(
            required=['order_line_id', 'order_id', 'quantity', 'unit_price', 'updated_at'],
            readable=readable,
            forbidden={
                'quantity not above 0': "quantity <= 0",
                'negative unit_price': "unit_price < 0",
                'negative discount_amount': "discount_amount < 0",
                'quantity x unit_price too large': "cast(quantity as decimal(19, 6)) * unit_price >= 1000000000000"
            }
        ) }} as row_fault
    from {{ source('raw', 'order_lines') }}

),

accepted_orders as (

    select order_id as accepted_order_id from {{ ref('base_orders') }}
    where verdict = 'kept'

),

judged as (

    select
        delivered.*,
        case when accepted_orders.accepted_order_id is null then 'unknown or rejected order' end as relation_fault
    from delivered
    left join repeated_keys on delivered.key_hash = repeated_keys.key_hash
    left join accepted_orders on delivered.order_id = accepted_orders.accepted_order_id
    where
        delivered.row_fault is not null
        or repeated_keys.key_hash is not null
        or accepted_orders.accepted_order_id is null
        or {{ unreadable('delivered.list_price') }} is not null

),

ranked as (

    select
        judged.*,
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

)

select
    order_line_id,
    order_id,
    product_id,
    quantity,
    unit_price,
    list_price,
    discount_amount,
    updated_at,
    key_hash,
    {{ unreadable('list_price') }} as list_price_repaired_from,
    {{ verdict_columns(columns, readable + descriptive) }}
from ranked
