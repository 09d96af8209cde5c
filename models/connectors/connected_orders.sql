-- One row per row of the raw table orders that a connector brings, or that the shop hands over in the contract's own form.
{{ config(enabled=connectors_of('orders') != []) }}

{{ connected('orders') }}
