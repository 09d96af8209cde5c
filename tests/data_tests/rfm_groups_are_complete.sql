-- The seed names a group for each of the 125 codes, and for nothing else.
with

scores as (

    select score
    from {{ ref('rfm_cut_points') }}
    where trait = 'recency_days'

),

codes as (

    select
        {{ dbt.concat([
            "cast(recency.score as " ~ dbt.type_string() ~ ")",
            "cast(frequency.score as " ~ dbt.type_string() ~ ")",
            "cast(monetary.score as " ~ dbt.type_string() ~ ")"
        ]) }} as rfm_code
    from scores as recency
    cross join scores as frequency
    cross join scores as monetary

)

select
    codes.rfm_code as expected_code,
    rfm_groups.rfm_code as found_code
from codes
full outer join {{ ref('rfm_groups') }} as rfm_groups on codes.rfm_code = rfm_groups.rfm_code
where codes.rfm_code is null or rfm_groups.rfm_code is null
