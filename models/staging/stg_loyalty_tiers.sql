-- One row per tier of the shop's loyalty programme.
{{ config(materialized='table') }}
{{ seed_or_file('loyalty_tiers', ['tier', 'from_net_revenue_365d']) }}
