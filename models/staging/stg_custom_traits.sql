-- One row per account and trait that the shop delivers as data.
select
    customer_id as account_id,
    trait,
    value as trait_value,
    updated_at
from {{ ref('base_custom_traits') }}
where row_status = 'kept'
