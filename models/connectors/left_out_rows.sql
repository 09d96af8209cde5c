-- One row per connector, raw table and reason: rows of the source that the connector leaves out, being none of the contract.
with

left_out as (

    {% for connector in connectors_of('left_out') %}
    select
        '{{ connector }}' as connector,
        table_name,
        reason,
        left_out_rows
    from {{ ref(connector ~ '__left_out') }}
    union all
    {% endfor %}
    select
        cast(null as {{ dbt.type_string() }}) as connector,
        cast(null as {{ dbt.type_string() }}) as table_name,
        cast(null as {{ dbt.type_string() }}) as reason,
        0 as left_out_rows

)

select
    connector,
    table_name,
    reason,
    cast(sum(left_out_rows) as bigint) as left_out_rows
from left_out
where left_out_rows > 0
group by connector, table_name, reason
