-- One row per row of the raw table email_events that a connector brings, or that the shop hands over by itself.
{{ config(enabled=connectors_of('email_events') != []) }}

{{ connected('email_events') }}
