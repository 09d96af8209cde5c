-- What is true of seeds and of the tables of staging that the history of segments follows from: it waits for this test.
{{ config(fail_calc='coalesce(sum(rows_found), 0)') }}
{{ broken_rules({
    'rfm_groups': {'key': ['rfm_code'], 'not_null': ['rfm_code', 'rfm_group']},
    'rfm_cut_points': {
        'not_null': ['trait', 'score', 'from_value'],
        'values': {'trait': ['recency_days', 'frequency', 'monetary_value', 'revenue', 'sessions_90d']}
    },
    'forgotten_customers': {'key': ['hashed_id'], 'not_null': ['hashed_id', 'forgotten_on']},
    'stg_customers': {'key': ['account_id'], 'not_null': ['account_id']},
    'stg_products': {'key': ['product_id'], 'not_null': ['product_id']},
    'stg_orders': {'key': ['order_id'], 'not_null': ['order_id']},
    'stg_order_lines': {'key': ['order_line_id'], 'not_null': ['order_line_id'], 'references': {'order_id': 'stg_orders'}},
    'stg_refunds': {'key': ['refund_id'], 'not_null': ['refund_id'], 'references': {'order_id': 'stg_orders'}},
    'base_sessions': {'where': "row_status = 'kept'", 'key': ['session_id']},
    'base_web_events': {'where': "row_status = 'kept'", 'key': ['event_id']},
    'base_email_events': {'where': "row_status = 'kept'", 'key': ['event_id']},
    'stg_reviews': {'key': ['review_id'], 'not_null': ['review_id']},
    'stg_custom_traits': {'key': ['account_id', 'trait']},
    'stg_exchange_rates': {'key': ['rated_on', 'currency']},
    'first_exchange_rates': {'key': ['currency'], 'not_null': ['currency']},
    'stg_sale_campaigns': {
        'key': ['sale_campaign_id'],
        'not_null': ['sale_campaign_id', 'starts_on', 'ends_on'],
        'rules': {'sale campaigns start before they end': 'starts_on <= ends_on'}
    },
    'stg_loyalty_tiers': {'key': ['from_net_revenue_365d'], 'not_null': ['tier', 'from_net_revenue_365d']},
    'row_counts': {
        'rules': {'received rows are all counted': 'received_rows = kept_rows + duplicate_rows + rejected_rows + deleted_rows'}
    }
}) }}
