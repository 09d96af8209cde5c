-- One row per row of the raw table custom_traits that a connector brings, or that the shop hands over by itself.
{{ config(enabled=connectors_of('custom_traits') != []) }}

{{ connected('custom_traits') }}
