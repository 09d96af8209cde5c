-- One row per marketing campaign that goes to a segment.
{{ config(materialized='table') }}
{{ seed_or_file('marketing_campaigns', [
    'marketing_campaign_id', 'segment', 'starts_on', 'ends_on', 'holdout_percent', 'cost_per_message', 'offer_cost'
]) }}
