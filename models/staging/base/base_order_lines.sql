-- One row per delivered row of raw.order_lines that needs a row status: it breaks the contract, shares its key with
-- another, is deleted, or has a list price or cost that reads as null. All others are kept: stg_order_lines reads
-- them where they were delivered.
{{ config(**large_table('order_lines')) }}
{% set raw = raw_contract('order_lines') %}

with

accepted_orders as (

    select order_id as accepted_order_id from {{ ref('base_orders') }}
    where row_status = 'kept'

),

keys_to_validate as (

    {{ keys_to_validate(raw) }}
    {% if is_incremental() %}
    union
    -- An order may come after its lines, or be accepted no more.
    select order_lines.key_hash
    from {{ this }} as order_lines
    left join accepted_orders on order_lines.order_id = accepted_orders.accepted_order_id
    where
        order_lines.validation_error is null
        and order_lines.row_status = case when accepted_orders.accepted_order_id is null then 'kept' else 'rejected' end
    {% endif %}

),

delivered as (

    {{ delivered_rows(raw, validation_error=validation_error(raw, forbidden={
            'negative quantity': "quantity < 0",
            'negative unit_price': "unit_price < 0",
            'negative discount_amount': "discount_amount < 0",
            'quantity x unit_price too large': "cast(quantity as " ~ decimal_type(19, 6) ~ ") * unit_price >= 1000000000000"
        })) }}

),

validated as (

    select
        delivered.*,
        case when accepted_orders.accepted_order_id is null then 'unknown or rejected order' end as orphan_error
    from delivered
    left join keys_to_validate on delivered.key_hash = keys_to_validate.key_hash
    left join accepted_orders on delivered.order_id = accepted_orders.accepted_order_id
    where
        {{ needs_row_status('order_lines', exceptions=[
            'accepted_orders.accepted_order_id is null',
            'coalesce(delivered.is_deleted, false)',
            unreadable('delivered.list_price') ~ ' is not null',
            unreadable('delivered.unit_cost') ~ ' is not null',
            'delivered.unit_cost < 0'
        ]) }}

),

ranked as (

    select
        validated.*,
        {{ version_rank(raw) }} as version_rank
    from validated

)

select
    {{ raw.columns | join(',\n    ') }},
    key_hash,
    {{ columns_for_the_next_run('order_lines') }}
    {{ unreadable('list_price') }} as list_price_repaired_from,
    {{ repaired_from('unit_cost', 'unit_cost < 0') }} as unit_cost_repaired_from,
    {{ row_status_columns(raw, former_raw_values='former_raw_values') }}
from ranked
