-- One row per row of the raw table web_events that a connector brings, or that the shop hands over by itself.
{{ config(enabled=connectors_of('web_events') != []) }}

{{ connected('web_events') }}
