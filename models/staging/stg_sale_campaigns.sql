-- One row per sale campaign of the shop's calendar.
{{ config(materialized='table') }}
{{ seed_or_file('sale_campaigns', ['sale_campaign_id', 'sale_name', 'starts_on', 'ends_on', 'prior_sale_campaign_id']) }}
