-- One row per row of the raw table order_lines that a connector brings, or that the shop hands over by itself.
{{ config(enabled=connectors_of('order_lines') != []) }}

{{ connected('order_lines') }}
