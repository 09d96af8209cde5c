-- One row per row of the raw table refunds that a connector brings, or that the shop hands over by itself.
{{ config(enabled=connectors_of('refunds') != []) }}

{{ connected('refunds') }}
