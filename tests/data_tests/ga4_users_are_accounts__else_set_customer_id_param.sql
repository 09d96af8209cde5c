-- Where fewer than 1 % of the sessions with a user_id meet an account, user_id is something else than the account.
{{ config(enabled=is_connected('ga4'), severity='warn') }}
with

counted as (

    select
        count(*) as identified_sessions,
        count(known.account_id) as sessions_of_accounts
    from {{ ref('ga4__sessions') }} as visits
    left join {{ ref('stg_customers') }} as known on visits.customer_id = known.account_id
    where visits.customer_id is not null

)

select *
from counted
where 100 * sessions_of_accounts < identified_sessions
