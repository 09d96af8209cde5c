-- One row per row of the orders exports, as the file with the latest name has its order.
{{ config(enabled=is_connected('shopify_csv'), materialized='table') }}

with

exported as (

    {{ loaded('shopify_csv', 'orders_export') }}

),

ranked as (

    select
        *,
        {{ file_rank('name') }} as file_rank
    from exported

),

identified as (

    select
        *,
        {{ dbt.concat([
            'id_prefix',
            'coalesce(max(' ~ without_apostrophe('id') ~ ') over (partition by source_name, name), name)'
        ]) }} as order_id,
        {{ id_of_variant('lineitem_sku', 'lineitem_name') }} as product_id
    from ranked
    where file_rank = 1

),

gift_cards as (

    select distinct
        source_name,
        product_id
    from {{ ref('shopify_csv__product_rows') }}
    where is_gift_card

),

flagged as (

    select
        identified.*,
        gift_cards.product_id as gift_card_id
    from identified
    left join gift_cards on identified.source_name = gift_cards.source_name and identified.product_id = gift_cards.product_id

)

select
    source_name,
    order_id,
    email,
    lower(financial_status) as financial_status,
    lower(fulfillment_status) as fulfillment_status,
    created_at,
    paid_at,
    fulfilled_at,
    cancelled_at,
    currency,
    subtotal,
    shipping,
    taxes,
    total,
    refunded_amount,
    discount_code,
    payment_method,
    product_id,
    {{ without_apostrophe('lineitem_sku') }} as sku,
    lineitem_name,
    lineitem_quantity,
    lineitem_price,
    lineitem_compare_at_price,
    -- The subtotal knows nothing of an item that was taken out.
    case when lineitem_quantity <> 0 then lineitem_discount end as lineitem_discount,
    lineitem_quantity is not null or lineitem_name is not null as is_item,
    coalesce(
        gift_card_id is not null
        or (not lineitem_requires_shipping and not lineitem_taxable and {{ has_name_of_gift_card('lineitem_name') }}),
        false
    ) as is_gift_card,
    source_error
from flagged
