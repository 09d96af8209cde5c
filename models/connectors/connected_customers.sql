-- One row per row of the raw table customers that a connector brings, or that the shop hands over by itself.
{{ config(enabled=connectors_of('customers') != []) }}

{{ connected('customers') }}
