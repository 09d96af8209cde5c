-- One row per customer with the SHA-256 by which others know them, without telling what is hashed to who does not know it.
select
    customer_id,
    {{ sha256_hex('normalized_email') }} as email_sha256,
    {{ sha256_hex(google_email('normalized_email')) }} as google_email_sha256,
    {{ sha256_hex(tiktok_email('normalized_email')) }} as tiktok_email_sha256,
    {{ sha256_hex('phone') }} as phone_sha256
from {{ ref('int_customers') }}
