-- One row per row of the raw table marketing_spend that a connector brings, or that the shop hands over by itself.
{{ config(enabled=connectors_of('marketing_spend') != []) }}

{{ connected('marketing_spend') }}
