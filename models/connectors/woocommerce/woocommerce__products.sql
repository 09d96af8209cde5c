-- One row per product and variation. A variation has its product's category.
{{ config(enabled=is_connected('woocommerce'), materialized='table') }}

with

posts as (

    {{ newest_loaded('woocommerce', 'posts') }}

),

post_values as (

    {{ woocommerce_meta('postmeta', 'post_id', [
        '_price', '_cogs_total_value', '_cogs_value_is_additive', '_gift_card', '_yoast_wpseo_primary_product_cat', 'rank_math_primary_product_cat'
    ]) }}

),

terms as (

    {{ woocommerce_rows('terms') }}

),

taxonomies as (

    {{ woocommerce_rows('term_taxonomy') }}

),

relationships as (

    {{ woocommerce_rows('term_relationships') }}

),

categories as (

    select
        category.term_taxonomy_id,
        category.id_prefix,
        category.term_id,
        terms.name,
        -- Nobody nests them deeper.
        case
            {%- for level in range(7, 0, -1) %}
            when above_{{ level }}.term_id is not null then {{ level }}
            {%- endfor %}
            else 0
        end as categories_above
    from taxonomies as category
    inner join terms on category.term_id = terms.term_id
    {%- for level in range(1, 8) %}
    left join taxonomies as above_{{ level }}
        on
            {{ 'above_' ~ (level - 1) if level > 1 else 'category' }}.parent = above_{{ level }}.term_id
            and above_{{ level }}.taxonomy = 'product_cat'
    {%- endfor %}
    where category.taxonomy = 'product_cat'

),

ranked_categories as (

    select
        relationships.object_id,
        categories.name,
        row_number() over (
            partition by relationships.object_id
            order by
                case
                    when categories.term_id = {{ woocommerce_id(
                        'coalesce(post_values.yoast_wpseo_primary_product_cat, post_values.rank_math_primary_product_cat)', 'categories.id_prefix'
                    ) }} then 0
                    else 1
                end,
                categories.categories_above desc,
                {{ binary_collation('categories.name') }},
                {{ binary_collation('categories.term_id') }}
        ) as place
    from relationships
    inner join categories on relationships.term_taxonomy_id = categories.term_taxonomy_id
    left join post_values on relationships.object_id = post_values.post_id

),

-- Plugins sell gift cards as products of a type of their own.
gift_card_products as (

    select distinct relationships.object_id
    from relationships
    inner join taxonomies on relationships.term_taxonomy_id = taxonomies.term_taxonomy_id
    inner join terms on taxonomies.term_id = terms.term_id
    where taxonomies.taxonomy = 'product_type' and terms.slug in ('gift-card', 'gift_card', 'pw-gift-card')

),

products as (

    select
        posts.*,
        case when posts.post_type = 'product_variation' then posts.post_parent else posts.id end as parent_id
    from posts
    where posts.post_type in ('product', 'product_variation') and coalesce(posts.post_status, '') <> 'auto-draft'

),

costs as (

    select
        products.*,
        parents.post_title as parent_title,
        parents.post_modified_gmt as parent_modified_at,
        {{ woocommerce_number('post_values.price') }} as price,
        {{ woocommerce_number('post_values.cogs_total_value') }} as own_cost,
        case when post_values.cogs_value_is_additive in ('yes', '1') then 1 else 0 end as is_additive,
        {{ woocommerce_number('parent_values.cogs_total_value') }} as parent_cost,
        coalesce(post_values.gift_card, parent_values.gift_card) as gift_card,
        {{ latest_of(['products._fivetran_synced', 'post_values.loaded_at']) }} as loaded_at
    from products
    left join post_values on products.id = post_values.post_id
    left join posts as parents on products.parent_id = parents.id and products.parent_id <> products.id
    left join post_values as parent_values on parents.id = parent_values.post_id

)

select
    costs.id as product_id,
    {{ woocommerce_name('coalesce(costs.post_title, costs.parent_title)') }} as product_name,
    {{ woocommerce_name('ranked_categories.name') }} as category,
    gift_card_products.object_id is not null or coalesce(costs.gift_card, 'no') in ('yes', '1') as is_gift_card,
    -- In the shop's own currency.
    {% for amount, value in {
        'price': 'costs.price',
        'unit_cost': 'coalesce(costs.own_cost + costs.is_additive * costs.parent_cost, costs.own_cost, costs.parent_cost)'
    }.items() -%}
    case
        when
            coalesce({{ option_by_entry('woocommerce', 'currency', 'costs.source_name') }}, '{{ var("reporting_currency") }}')
            = '{{ var("reporting_currency") }}'
            then cast({{ value }} as {{ decimal_type(18, 6) }})
    end as {{ amount }},
    {% endfor -%}
    {{ latest_of(['costs.post_modified_gmt', 'costs.parent_modified_at']) }} as updated_at,
    {{ is_deleted_in_source('costs') }} as is_deleted,
    costs.loaded_at,
    costs.source_error
from costs
left join ranked_categories on costs.parent_id = ranked_categories.object_id and ranked_categories.place = 1
left join gift_card_products on costs.parent_id = gift_card_products.object_id
