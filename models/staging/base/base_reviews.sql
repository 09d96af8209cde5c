-- One row per delivered row of raw.reviews, in its names, with its row status.
{% set raw = raw_contract('reviews') %}

with

validated as (

    select
        *,
        {{ validation_error(raw, forbidden={
            'rating not between 1 and 5': "rating < 1 or rating > 5"
        }) }} as validation_error
    from {{ raw_table('reviews') }}

),

ranked as (

    select
        validated.*,
        cast(null as {{ dbt.type_string() }}) as orphan_error,
        {{ version_rank(raw, earliest='reviewed_at') }} as version_rank
    from validated

)

select
    {{ raw.columns | join(',\n    ') }},
    {{ row_status_columns(raw) }}
from ranked
