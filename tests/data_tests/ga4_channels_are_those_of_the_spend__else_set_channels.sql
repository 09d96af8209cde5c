-- Where fewer than half of the channels of marketing_spend occur among sessions, the two name channels differently, and costs do
-- not meet their visits.
{{ config(enabled=is_connected('ga4'), severity='warn') }}
with

spent_on as (

    select distinct channel from {{ ref('stg_marketing_spend') }}

),

visited_by as (

    select distinct channel from {{ ref('stg_sessions') }}

),

counted as (

    select
        count(*) as channels_of_spend,
        count(visited_by.channel) as channels_of_both
    from spent_on
    left join visited_by on spent_on.channel = visited_by.channel

)

select *
from counted
where 2 * channels_of_both < channels_of_spend
