-- One row per raw table and reason: rows of the source that are no rows of the contract.
{{ config(enabled=is_connected('prestashop')) }}

with

customers as (

    {{ loaded('prestashop', 'customer') }}

),

accounts as (

    select * from {{ ref('prestashop__customers') }}

),

slip_lines as (

    {{ loaded('prestashop', 'order_slip_detail') }}

),

slips as (

    {{ loaded('prestashop', 'order_slip') }}

)

select
    'customers' as table_name,
    case
        when {{ prestashop_is_anonymous('customers.email') }} then 'account that stands for erased customers'
        else 'account of a guest, whose order goes by its email'
    end as reason,
    count(*) as left_out_rows
from customers
left join accounts on customers.id_customer = accounts.customer_id
where accounts.customer_id is null and customers.id_customer is not null
group by
    case
        when {{ prestashop_is_anonymous('customers.email') }} then 'account that stands for erased customers'
        else 'account of a guest, whose order goes by its email'
    end

union all

select
    'refunds' as table_name,
    'line of a credit slip that is not there' as reason,
    count(*) as left_out_rows
from slip_lines
left join slips on slip_lines.id_order_slip = slips.id_order_slip
where slips.id_order_slip is null
