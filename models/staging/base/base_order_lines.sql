-- One row per delivered row of raw.order_lines that needs a verdict: it breaks the contract, shares its key with
-- another or has an unreadable list price. All others are kept: stg_order_lines reads them where they were delivered.
{{ config(**large_table('order_lines')) }}
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

accepted_orders as (

    select order_id as accepted_order_id from {{ ref('base_orders') }}
    where verdict = 'kept'

),

keys_to_judge as (

    {{ keys_to_judge('order_lines', 'order_line_id') }}
    {% if is_incremental() %}
    union
    -- An order may come after its lines, or be accepted no more.
    select order_lines.key_hash
    from {{ this }} as order_lines
    left join accepted_orders on order_lines.order_id = accepted_orders.accepted_order_id
    where
        order_lines.row_fault is null
        and order_lines.verdict = case when accepted_orders.accepted_order_id is null then 'kept' else 'rejected' end
    {% endif %}

),

delivered as (

    {{ delivered_rows('order_lines', 'order_line_id', columns, readable, descriptive=descriptive, row_fault=row_fault(
        required=['order_line_id', 'order_id', 'quantity', 'unit_price', 'updated_at'],
        readable=readable,
        forbidden={
            'quantity not above 0': "quantity <= 0",
            'negative unit_price': "unit_price < 0",
            'negative discount_amount': "discount_amount < 0",
            'quantity x unit_price too large': "cast(quantity as " ~ decimal_type(19, 6) ~ ") * unit_price >= 1000000000000"
        }
    )) }}

),

judged as (

    select
        delivered.*,
        case when accepted_orders.accepted_order_id is null then 'unknown or rejected order' end as relation_fault
    from delivered
    left join keys_to_judge on delivered.key_hash = keys_to_judge.key_hash
    left join accepted_orders on delivered.order_id = accepted_orders.accepted_order_id
    where
        {{ needs_verdict('order_lines', exceptions=[
            'accepted_orders.accepted_order_id is null', unreadable('delivered.list_price') ~ ' is not null'
        ]) }}

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
    {{ columns_for_the_next_run('order_lines') }}
    {{ unreadable('list_price') }} as list_price_repaired_from,
    {{ verdict_columns(columns, readable + descriptive, former_raw_values='former_raw_values') }}
from ranked
