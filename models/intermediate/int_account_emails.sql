-- One row per email of the visible accounts, with the customer it stands for: none where too many accounts share it.
select
    compared_email,
    has_shared_email,
    max(case when not has_shared_email then customer_id end) as customer_id,
    max(case when not has_shared_email and is_test_customer then 1 else 0 end) = 1 as is_test_customer
from {{ ref('int_accounts') }}
where compared_email is not null
group by compared_email, has_shared_email
