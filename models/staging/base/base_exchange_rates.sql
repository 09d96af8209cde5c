-- One row per delivered row of raw.exchange_rates, in its names, with its verdict.
{% set raw = raw_contract('exchange_rates') %}

with

judged as (

    select
        *,
        {{ row_fault(raw, forbidden={
            'rate not above 0': "rate <= 0"
        }) }} as row_fault
    from {{ raw_table('exchange_rates') }}

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
