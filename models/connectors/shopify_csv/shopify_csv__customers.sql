-- One row per customer. The export has no times: a customer was last updated with the latest order of the email, or was there
-- since the first order of the shop.
{{ config(enabled=is_connected('shopify_csv')) }}

with

customer_rows as (

    select * from {{ ref('shopify_csv__customer_rows') }}

),

orders as (

    select * from {{ ref('shopify_csv__order_heads') }}

),

last_orders as (

    select
        source_name,
        normalized_email,
        max(updated_at) as updated_at
    from orders
    group by source_name, normalized_email

),

first_orders as (

    select
        source_name,
        min(created_at) as created_at
    from orders
    group by source_name

)

select
    customer_rows.customer_id,
    customer_rows.email,
    customer_rows.phone,
    customer_rows.first_name,
    customer_rows.last_name,
    customer_rows.postal_code,
    customer_rows.country_code,
    customer_rows.city,
    {{ answer_of_consent('customer_rows.accepts_email_marketing') }} as email_consent,
    {{ answer_of_consent('customer_rows.accepts_sms_marketing') }} as sms_consent,
    coalesce(last_orders.updated_at, first_orders.created_at) as updated_at,
    {{ cannot_tell('customers', [
        'birth_date', 'created_at', 'acquisition_channel', 'email_consent_at', 'sms_consent_at', 'ads_consent', 'ads_consent_at',
        'is_test', 'is_deleted', 'loaded_at'
    ]) }},
    customer_rows.source_error
from customer_rows
left join last_orders
    on customer_rows.source_name = last_orders.source_name and customer_rows.normalized_email = last_orders.normalized_email
left join first_orders on customer_rows.source_name = first_orders.source_name
