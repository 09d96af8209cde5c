-- One row per customer of the customers exports, as the file with the latest name has it.
{{ config(enabled=is_connected('shopify_csv')) }}

with

exported as (

    {{ loaded('shopify_csv', 'customers_export') }}

),

-- Older exports have no ids.
identified as (

    select
        *,
        {{ dbt.concat([
            'id_prefix', 'coalesce(' ~ without_apostrophe('customer_id') ~ ', ' ~ sha256_hex(normalized_email('email')) ~ ')'
        ]) }} as account_id,
        {{ normalized_email('email') }} as normalized_email
    from exported

),

ranked as (

    select
        identified.*,
        {{ file_rank('account_id') }} as file_rank
    from identified

)

select
    source_name,
    account_id as customer_id,
    email,
    normalized_email,
    {{ without_apostrophe('phone') }} as phone,
    first_name,
    last_name,
    {{ without_apostrophe('default_address_zip') }} as postal_code,
    default_address_country_code as country_code,
    default_address_city as city,
    accepts_email_marketing,
    accepts_sms_marketing,
    source_error
from ranked
where file_rank = 1
