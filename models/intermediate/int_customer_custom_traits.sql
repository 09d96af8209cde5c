-- One row per customer with a trait that comes as data: those of the var custom_traits, as the accounts said them last.
with

custom_traits as (

    select * from {{ ref('stg_custom_traits') }}

),

accounts as (

    select * from {{ ref('int_accounts') }}
    where not is_test_customer

),

ranked as (

    select
        accounts.customer_id,
        custom_traits.trait,
        custom_traits.trait_value,
        row_number() over (
            partition by accounts.customer_id, custom_traits.trait
            order by custom_traits.updated_at desc, {{ binary_collation('custom_traits.account_id') }} desc
        ) as recency_rank
    from custom_traits
    inner join accounts on custom_traits.account_id = accounts.account_id

)

select
    {{ (['customer_id'] + newest_custom_traits()) | join(',\n    ') }}
from ranked
where recency_rank = 1
group by customer_id
