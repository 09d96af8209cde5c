-- One row per raw table and reason.
{{ config(enabled=is_connected('shopify')) }}

with

order_lines as (

    select * from {{ ref('shopify__line_amounts') }}

),

refund_lines as (

    select * from {{ ref('shopify__refund_lines') }}

),

adjustments as (

    {{ newest_loaded('shopify', 'order_adjustment') }}

),

accounts as (

    select * from {{ ref('shopify__accounts') }}

)

select
    'customers' as table_name,
    'a newer account without login has the same email' as reason,
    count(*) as left_out_rows
from accounts
where account_id <> customer_id
union all
select
    'order_lines' as table_name,
    'a gift card was sold' as reason,
    count(*) as left_out_rows
from order_lines
where is_gift_card
union all
select
    'refunds' as table_name,
    'a gift card was given back' as reason,
    count(*) as left_out_rows
from refund_lines
where is_gift_card
union all
select
    'refunds' as table_name,
    'no money went back, as where goods are only put back into stock' as reason,
    count(*) as left_out_rows
from refund_lines
where amount <= 0 and source_error is null and not is_gift_card
union all
select
    'refunds' as table_name,
    'shipping was refunded' as reason,
    count(*) as left_out_rows
from adjustments
where lower(kind) = 'shipping_refund'
