-- One row per row of the raw table exchange_rates that a connector brings, or that the shop hands over by itself.
{{ config(enabled=connectors_of('exchange_rates') != []) }}

{{ connected('exchange_rates') }}
