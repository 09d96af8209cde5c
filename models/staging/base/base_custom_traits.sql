-- One row per delivered row of raw.custom_traits, with its verdict.
{% set columns = [
    'customer_id',
    'trait',
    'value',
    'updated_at',
    'is_deleted'
] %}
{% set readable = ['updated_at', 'is_deleted', 'loaded_at'] %}

with

judged as (

    select
        *,
        {{ row_fault(
            required=['customer_id', 'trait', 'value', 'updated_at'],
            readable=readable,
            forbidden=custom_trait_faults()
        ) }} as row_fault
    from {{ source('raw', 'custom_traits') }}

),

ranked as (

    select
        judged.*,
        cast(null as {{ dbt.type_string() }}) as relation_fault,
        {{ version_rank(
            key=['judged.customer_id', 'judged.trait'],
            order_by=[
                by_code_point('judged.value')
            ],
            has_versions=true
        ) }} as version_rank
    from judged

)

select
    customer_id as account_id,
    trait,
    value as trait_value,
    updated_at,
    coalesce(customer_id, '') || '|' || coalesce(trait, '') as row_key,
    {{ verdict_columns(columns, readable, versions_of=['customer_id', 'trait']) }}
from ranked
