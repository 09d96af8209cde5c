-- One row per row of the raw table web_events that a connector brings, or that the shop hands over in the contract's own form.
{{ config(enabled=connectors_of('web_events') != []) }}

{{ connected('web_events') }}
