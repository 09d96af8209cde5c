-- One row per account that orders name and no delivered account is: nothing is rejected for it, but the orders go by
-- their email alone.
{{ config(materialized='table') }}
with

orders as (

    select * from {{ ref('stg_orders') }}
    where account_id is not null

),

accounts as (

    select account_id from {{ ref('stg_customers') }}

),

unknown as (

    select
        orders.account_id,
        count(*) as orders
    from orders
    left join accounts on orders.account_id = accounts.account_id
    where accounts.account_id is null
    group by orders.account_id

)

-- What a spreadsheet makes of 17 is 17.0.
select
    unknown.account_id,
    unknown.orders,
    accounts.account_id as likely_account_id
from unknown
left join accounts
    on
        unknown.account_id = accounts.account_id || '.0'
        or unknown.account_id || '.0' = accounts.account_id
