-- One row per delivered row of raw.custom_traits, in its names, with its verdict.
{% set raw = raw_contract('custom_traits') %}

with

judged as (

    select
        *,
        {{ row_fault(raw, forbidden=custom_trait_faults()) }} as row_fault
    from {{ raw_table('custom_traits') }}

),

ranked as (

    select
        judged.*,
        cast(null as {{ dbt.type_string() }}) as relation_fault,
        {{ version_rank(raw) }} as version_rank
    from judged

)

select
    {{ raw.columns | join(',\n    ') }},
    {{ verdict_columns(raw) }}
from ranked
