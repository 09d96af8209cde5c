-- One row per customer who ever left a cart open: the latest session with an open cart, and what is in it.
{{ config(materialized='view') }}

select
    customer_id,
    session_id,
    started_on as last_open_cart_on,
    first_added_to_cart_at,
    open_cart_products
from {{ ref('int_open_carts') }}
where recency_rank = 1
