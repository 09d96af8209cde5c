-- One row per variant of the products exports, as the file with the latest name has its product.
{{ config(enabled=is_connected('shopify_csv')) }}

with

exported as (

    {{ loaded('shopify_csv', 'products_export') }}

),

ranked as (

    select
        *,
        {{ file_rank('handle') }} as file_rank
    from exported

),

-- Title, type and whether it is a gift card stand in the first row of a product alone.
with_product as (

    select
        source_name,
        id_prefix,
        handle,
        max(title) over (partition by source_name, handle) as product_title,
        max({{ adapter.quote('type') }}) over (partition by source_name, handle) as category,
        max(case when gift_card then 1 else 0 end) over (partition by source_name, handle) = 1 as is_gift_card,
        case when option1_value <> 'Default Title' then option1_value end as option1_value,
        option2_value,
        option3_value,
        variant_sku,
        variant_price,
        cost_per_item,
        source_error
    from ranked
    where file_rank = 1

),

named as (

    select
        *,
        product_title
        || coalesce(' - ' || option1_value, '')
        || coalesce(' / ' || option2_value, '')
        || coalesce(' / ' || option3_value, '') as product_name
    from with_product
    -- The others are of further images.
    where variant_price is not null or source_error is not null

)

select
    source_name,
    {{ id_of_variant('variant_sku', 'product_name') }} as product_id,
    {{ without_apostrophe('variant_sku') }} as sku,
    product_name,
    category,
    is_gift_card,
    variant_price as price,
    cost_per_item as unit_cost,
    source_error
from named
