-- One row per date that was run, segment, and address of a customer that came into its audience or left it. A log with the rules
-- of the history: a run writes the rows of its own date alone, so that running a date again replaces them.
-- depends_on: {{ ref('forgotten_customers') }}
{{ config(
    materialized='incremental',
    unique_key='as_of_date',
    on_schema_change='append_new_columns',
    full_refresh=false,
    pre_hook='{{ forget_in_audience_changes(this) }}'
) }}
with

customers as (

    select * from {{ ref('customers') }}

),

email_refusals as (

    select * from {{ ref('int_customer_email_refusals') }}

),

changed_ids as (

    select * from {{ ref('int_known_ids') }}
    where account_id <> customer_id

),

contact_hashes as (

    select * from {{ ref('int_contact_hashes') }}

),

current_members as (

    select
        audiences.segment,
        audiences.customer_id,
        contact_hashes.email_sha256,
        contact_hashes.google_email_sha256,
        contact_hashes.tiktok_email_sha256
    from {{ ref('audiences') }} as audiences
    inner join contact_hashes on audiences.customer_id = contact_hashes.customer_id

),

former_members as (

    {% if is_incremental() %}
    select
        segment,
        customer_id,
        email_sha256,
        google_email_sha256,
        tiktok_email_sha256
    from {{ this }}
    where as_of_date < {{ as_of_date() }}
    group by segment, customer_id, email_sha256, google_email_sha256, tiktok_email_sha256
    having sum(case when change = 'added' then 1 else -1 end) = 1
    {% else %}
    select * from current_members
    where 1 = 0
    {% endif %}

),

added as (

    select
        current_members.*,
        'added' as change,
        cast(null as {{ dbt.type_string() }}) as reason
    from current_members
    left join former_members
        on
            current_members.segment = former_members.segment
            and current_members.customer_id = former_members.customer_id
            and current_members.email_sha256 = former_members.email_sha256
    where former_members.customer_id is null

),

-- Of a forgotten person no address is left: the row has no other one to meet.
removed as (

    select former_members.*
    from former_members
    left join current_members
        on
            former_members.segment = current_members.segment
            and former_members.customer_id = current_members.customer_id
            and former_members.email_sha256 = current_members.email_sha256
    where current_members.customer_id is null

),

explained as (

    select
        removed.*,
        'removed' as change,
        case
            when removed.customer_id like 'forgotten:%' then 'erased'
            when customers.customer_id is null and changed_ids.account_id is not null then 'merged'
            when not customers.is_subscribed or email_refusals.has_complained then 'unsubscribed'
            when email_refusals.has_bounced then 'bounced'
            when contact_hashes.email_sha256 <> removed.email_sha256 then 'address changed'
            when customers.customer_id is not null and contact_hashes.email_sha256 is null then 'address changed'
            else 'left'
        end as reason
    from removed
    left join customers on removed.customer_id = customers.customer_id
    left join changed_ids on removed.customer_id = changed_ids.account_id
    left join email_refusals on removed.customer_id = email_refusals.customer_id
    left join contact_hashes on removed.customer_id = contact_hashes.customer_id

),

changes as (

    select * from added
    union all
    select * from explained

)

select
    {{ as_of_date() }} as as_of_date,
    segment,
    customer_id,
    change,
    reason,
    email_sha256,
    google_email_sha256,
    tiktok_email_sha256
from changes
