-- One row per account and trait that the shop delivers as data.
select
    account_id,
    trait,
    trait_value,
    updated_at
from {{ ref('base_custom_traits') }}
where verdict = 'kept'
