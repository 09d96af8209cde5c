-- One row per order and refund. Where both storages hold an order, as in compatibility mode, the tables of its own win.
{{ config(enabled=is_connected('woocommerce'), materialized='table') }}

with

own_tables as (

    {{ newest_loaded('woocommerce', 'wc_orders') }}

),

own_values as (

    {{ woocommerce_meta('wc_orders_meta', 'order_id', ['_refund_amount', '_refund_reason']) }}

),

posts as (

    {{ newest_loaded('woocommerce', 'posts') }}

),

post_values as (

    {{ woocommerce_meta('postmeta', 'post_id', [
        '_customer_user', '_billing_email', '_order_currency', '_order_total', '_refund_amount', '_refund_reason'
    ]) }}

),

stored as (

    select
        own_tables.source_name,
        own_tables.id_prefix,
        own_tables.id as order_id,
        own_tables.{{ adapter.quote('type') }} as order_type,
        own_tables.parent_order_id,
        own_tables.status,
        own_tables.customer_id,
        own_tables.billing_email as email,
        own_tables.currency,
        own_tables.total_amount,
        own_values.refund_amount,
        own_values.refund_reason,
        own_tables.date_created_gmt as created_at,
        coalesce(own_tables.date_updated_gmt, own_tables.date_created_gmt) as updated_at,
        {{ is_deleted_in_source('own_tables') }} as is_deleted,
        {{ latest_of(['own_tables._fivetran_synced', 'own_values.loaded_at']) }} as loaded_at,
        own_tables.source_error
    from own_tables
    left join own_values on own_tables.id = own_values.order_id
    where own_tables.{{ adapter.quote('type') }} in ('shop_order', 'shop_order_refund')
    union all
    select
        posts.source_name,
        posts.id_prefix,
        posts.id,
        posts.post_type,
        posts.post_parent,
        posts.post_status,
        post_values.customer_user,
        post_values.billing_email,
        post_values.order_currency,
        {{ woocommerce_number('post_values.order_total') }} as total_amount,
        post_values.refund_amount,
        post_values.refund_reason,
        posts.post_date_gmt,
        coalesce(posts.post_modified_gmt, posts.post_date_gmt) as updated_at,
        {{ is_deleted_in_source('posts') }} as is_deleted,
        {{ latest_of(['posts._fivetran_synced', 'post_values.loaded_at']) }} as loaded_at,
        posts.source_error
    from posts
    left join own_tables on posts.id = own_tables.id
    left join post_values on posts.id = post_values.post_id
    where
        posts.post_type in ('shop_order', 'shop_order_refund')
        and own_tables.id is null

)

select
    order_id,
    order_type,
    parent_order_id,
    {{ woocommerce_status('status') }} as status,
    {{ woocommerce_id('customer_id') }} as customer_id,
    email,
    currency,
    total_amount,
    coalesce({{ woocommerce_number('refund_amount') }}, abs(total_amount)) as refund_amount,
    refund_reason,
    created_at,
    updated_at,
    is_deleted,
    loaded_at,
    source_error
from stored
