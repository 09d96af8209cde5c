-- One row per delivered row of raw.reviews, in its names, with its verdict.
{% set raw = raw_contract('reviews') %}

with

judged as (

    select
        *,
        {{ row_fault(raw, forbidden={
            'rating not between 1 and 5': "rating < 1 or rating > 5"
        }) }} as row_fault
    from {{ raw_table('reviews') }}

),

ranked as (

    select
        judged.*,
        cast(null as {{ dbt.type_string() }}) as relation_fault,
        {{ version_rank(raw, earliest='reviewed_at') }} as version_rank
    from judged

)

select
    {{ raw.columns | join(',\n    ') }},
    {{ verdict_columns(raw) }}
from ranked
