-- One row per raw table and reason, of events that are left out.
{{ config(enabled='klaviyo' in connectors_of('left_out')) }}

select
    table_name,
    left_out_reason as reason,
    count(*) as left_out_rows
from {{ ref('klaviyo__events') }}
where
    left_out_reason is not null
    and (
        {%- for table in ['customers', 'sessions', 'web_events', 'email_events'] if 'klaviyo' in connectors_of(table) %}
        {{ 'or ' if not loop.first }}(table_name = '{{ table }}' and source_name in ({{ klaviyo_entries(table) }}))
        {%- endfor %}
    )
group by table_name, left_out_reason
