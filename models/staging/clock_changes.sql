-- One row per raw table and column with local times that the clocks showed twice or never.
{{ config(materialized='table', post_hook='{{ tell_clock_changes(this) }}') }}

{{ clock_changes() }}
