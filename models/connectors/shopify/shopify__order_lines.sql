-- One row per line of an order that is no gift card.
{{ config(enabled=is_connected('shopify'), materialized='table') }}

with

-- The price of a unit is rounded down: else a line of several units might cost more than a full refund of it gives back.
priced as (

    select
        line_amounts.*,
        {{ without_tax('unit_price', 'tax', 'taxable') }} as nearest_price,
        {{ without_tax('(line_total - discount)', 'tax', 'taxable') }} as paid_without_tax
    from {{ ref('shopify__line_amounts') }} as line_amounts
    where not is_gift_card

),

rounded_down as (

    select
        *,
        cast(
            case
                when
                    tax > 0 and taxable > 0
                    and {{ exact_product('nearest_price', 'taxable') }} > {{ exact_product('unit_price', 'taxable - tax') }}
                    then nearest_price - 0.000001
                else nearest_price
            end as {{ decimal_type(18, 6) }}
        ) as price_without_tax
    from priced

),

without_taxes as (

    select
        *,
        cast({{ exact_product('quantity', 'price_without_tax') }} as {{ decimal_type(18, 6) }}) as total_without_tax
    from rounded_down

)

select
    order_line_id,
    order_id,
    product_id,
    quantity,
    price_without_tax as unit_price,
    {{ cannot_tell('order_lines', ['list_price', 'unit_cost', 'is_deleted']) }},
    case
        when discount = 0 or tax = 0 or taxable <= 0 then discount
        else greatest(total_without_tax - paid_without_tax, 0)
    end as discount_amount,
    updated_at,
    loaded_at,
    source_error
from without_taxes
