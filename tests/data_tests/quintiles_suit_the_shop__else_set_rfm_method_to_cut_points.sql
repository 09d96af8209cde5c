-- Quintiles of few buyers, or of buyers who nearly all bought once, jump from day to day: fixed cut points stay.
{{ config(severity='warn') }}
with

buyers as (

    select
        count(*) as buyers,
        count(case when frequency = 1 then 1 end) as one_time_buyers
    from {{ ref('int_rfm') }}

)

select *
from buyers
where
    '{{ var("rfm_method") }}' = 'quintiles'
    and buyers > 0
    and (buyers < {{ var('rfm_min_buyers') }} or one_time_buyers > 0.8 * buyers)
