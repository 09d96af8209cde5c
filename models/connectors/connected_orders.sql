-- One row per row of the raw table orders that a connector brings, or that the shop hands over by itself.
{{ config(enabled=connectors_of('orders') != []) }}

{{ connected('orders') }}
