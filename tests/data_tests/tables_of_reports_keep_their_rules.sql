-- What is true of the tables before the marts that only reports, campaigns and audiences follow from.
{{ config(fail_calc='coalesce(sum(rows_found), 0)') }}
{{ broken_rules({
    'stg_marketing_campaigns': {
        'key': ['marketing_campaign_id'],
        'not_null': ['marketing_campaign_id', 'segment', 'starts_on', 'ends_on', 'holdout_percent'],
        'rules': {
            'marketing campaigns start before they end': 'starts_on <= ends_on',
            'at most half of a campaign is held out': 'holdout_percent between 0 and 50',
            'campaigns cost nothing or something': 'coalesce(cost_per_message, 0) >= 0 and coalesce(offer_cost, 0) >= 0'
        }
    },
    'rejected_rows': {'not_null': ['reason']},
    'refund_excess': {
        'key': ['table_name', 'row_key'],
        'rules': {
            'excess is above what was paid': 'excess_amount > 0 and refunded_amount >= paid_amount + excess_amount and paid_amount >= 0'
        }
    },
    'int_refused_addresses': {'key': ['normalized_email'], 'not_null': ['normalized_email']},
    'int_contact_hashes': {'key': ['customer_id'], 'not_null': ['customer_id']},
    'int_customer_months': {'key': ['customer_id', 'month']},
    'int_months': {'key': ['month'], 'not_null': ['month']}
}) }}
