-- One row per web session up to the as-of date, bots and test customers aside, with the customer it belongs to.
-- An anonymous session belongs to the one customer that its visitor was ever identified as, else to nobody.
with

sessions as (

    select * from {{ ref('stg_sessions') }}
    where started_on <= {{ as_of_date() }} and not is_bot

),

accounts as (

    select * from {{ ref('int_accounts') }}

),

identified as (

    select
        sessions.*,
        accounts.customer_id,
        accounts.is_test_customer
    from sessions
    left join accounts on sessions.account_id = accounts.account_id

),

-- Where a visitor_id is a word for none, or missing, only the session's own account tells whose it is.
visitors as (

    select
        visitor_id,
        min(customer_id) as customer_id,
        {{ dbt.bool_or("is_test_customer") }} as is_test_customer
    from identified
    where customer_id is not null
    group by visitor_id
    having
        min(customer_id) = max(customer_id)
        and {{ is_no_junk('visitor_id') }}

)

select
    identified.session_id,
    coalesce(identified.customer_id, visitors.customer_id) as customer_id,
    identified.visitor_id,
    identified.started_at,
    identified.started_on,
    identified.channel,
    identified.campaign_id
from identified
left join visitors on identified.visitor_id = visitors.visitor_id
where not coalesce(identified.is_test_customer, visitors.is_test_customer, false)
