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

    {{ loaded('shopify', 'order_adjustment') }}

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
    'order_lines',
    'a gift card was sold',
    count(*)
from order_lines
where is_gift_card
union all
select
    'refunds',
    'a gift card was given back',
    count(*)
from refund_lines
where is_gift_card
union all
select
    'refunds',
    'no money went back, as where goods are only put back into stock',
    count(*)
from refund_lines
where amount <= 0 and not is_gift_card
union all
select
    'refunds',
    'shipping was refunded',
    count(*)
from adjustments
where lower(kind) = 'shipping_refund'
