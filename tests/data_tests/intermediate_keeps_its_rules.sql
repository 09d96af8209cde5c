-- What is true of the intermediate tables that the history of segments follows from: it waits for this test.
{{ config(fail_calc='coalesce(sum(rows_found), 0)') }}
{{ broken_rules({
    'int_accounts': {'key': ['account_id'], 'not_null': ['account_id']},
    'int_account_emails': {'key': ['normalized_email'], 'not_null': ['normalized_email']},
    'int_known_ids': {'key': ['account_id'], 'not_null': ['account_id']},
    'int_orders': {'key': ['order_id'], 'not_null': ['order_id'], 'references': {'customer_id': 'int_customers'}},
    'int_customers': {'key': ['customer_id'], 'not_null': ['customer_id']},
    'int_customer_emails': {'key': ['customer_id'], 'not_null': ['customer_id']},
    'int_customer_email_refusals': {'key': ['customer_id'], 'not_null': ['customer_id']},
    'int_order_lines': {'rules': {'lines are fully refunded or not': 'is_fully_refunded is not null'}},
    'int_refunds': {'key': ['order_id', 'order_line_id'], 'rules': {'refunds give something back': 'refunded_amount > 0'}},
    'int_purchases': {
        'key': ['order_id'],
        'not_null': ['order_id'],
        'rules': {'purchases have net revenue up to the as of date': 'net_revenue > 0 and purchased_on <= ' ~ as_of_date()}
    },
    'int_product_purchases': {
        'key': ['order_id', 'product_id'],
        'rules': {'gaps lie between two dates': 'coalesce(gap_days, 1) > 0 and (is_kept or gap_days is null)'}
    },
    'int_purchase_sequence': {'key': ['order_id'], 'not_null': ['order_id']},
    'int_sessions': {'key': ['session_id'], 'not_null': ['session_id']},
    'int_last_open_carts': {'key': ['customer_id'], 'not_null': ['customer_id']},
    'int_customer_reviews': {'key': ['customer_id'], 'not_null': ['customer_id']},
    'int_rfm': {
        'rules': {
            'rfm scores are 1 to 5': 'least(recency_score, frequency_score, monetary_score, revenue_score, visit_score) >= 1'
            ~ ' and greatest(recency_score, frequency_score, monetary_score, revenue_score, visit_score) <= 5'
        }
    }
}) }}
