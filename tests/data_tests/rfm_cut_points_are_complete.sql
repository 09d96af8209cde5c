-- Each trait has the five scores, and they follow the value: down for recency, up for the others.
select
    trait,
    score,
    from_value
from (
    select
        trait,
        score,
        from_value,
        count(*) over (partition by trait) as scores,
        row_number() over (partition by trait order by from_value) as position
    from {{ ref('rfm_cut_points') }}
) as ordered
where
    scores <> 5
    or score <> case when trait = 'recency_days' then 6 - position else position end
