-- One row per raw table and reason, of events that are left out.
{{ config(enabled='klaviyo' in connectors_of('left_out')) }}

with

delivered as (

    {{ loaded('klaviyo', 'event') }}

),

events as (

    select * from {{ ref('klaviyo__events') }}

)

select
    table_name,
    left_out_reason as reason,
    count(*) as left_out_rows
from events
where
    left_out_reason is not null
    and (
        {%- for table in ['customers', 'sessions', 'web_events', 'email_events'] if 'klaviyo' in connectors_of(table) %}
        {{ 'or ' if not loop.first }}(table_name = '{{ table }}' and source_name in ({{ klaviyo_entries(table) }}))
        {%- endfor %}
    )
group by table_name, left_out_reason
{%- if 'klaviyo' in connectors_of('email_events') %}
union all
select
    'email_events' as table_name,
    'of other metrics, such as orders and text messages' as reason,
    (
        select count(*) from delivered
        where source_name in ({{ klaviyo_entries('email_events') }})
    )
    - (
        select count(*) from events
        where source_name in ({{ klaviyo_entries('email_events') }})
    ) as left_out_rows
{%- endif %}
