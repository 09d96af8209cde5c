{# What a warehouse's raw tables hold are moments already. #}
{% macro clock_changes() %}
    {{ return(adapter.dispatch('clock_changes', 'ecommerce_segments')()) }}
{% endmacro %}

{% macro default__clock_changes() %}
select *
from (
    select
        cast(null as {{ dbt.type_string() }}) as table_name,
        cast(null as {{ dbt.type_string() }}) as column_name,
        cast(null as {{ dbt.type_string() }}) as time_zone,
        0 as repeated_values,
        0 as skipped_values
) as nothing
where table_name is not null
{% endmacro %}
