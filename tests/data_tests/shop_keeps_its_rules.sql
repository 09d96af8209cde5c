-- What is true of the marts on the shop as a whole, and of those that lead from customers to ids, contact data and traits.
{{ config(fail_calc='coalesce(sum(rows_found), 0)') }}
{{ broken_rules({
    'alerts': {
        'key': ['kind', 'subject'],
        'not_null': ['subject', 'severity', 'value', 'sentence'],
        'values': {
            'kind': [
                'segment_size', 'segment_emptied', 'source_volume', 'rejected_share', 'contactable_share', 'unknown_cost_share', 'stale_rates',
                'stale_prices'
            ],
            'severity': ['error', 'warning', 'note']
        },
        'rules': {
            'alerts are of the as of date': 'as_of_date = ' ~ as_of_date(),
            'what is warned of is unusual': "value < usual_low or value > usual_high or kind = 'segment_emptied'"
        }
    },
    'data_quality': {
        'key': ['table_name'],
        'not_null': ['table_name'],
        'rules': {
            'data quality is of the as of date': 'as_of_date = ' ~ as_of_date(),
            'each delivered row has one status': 'received_rows = kept_rows + duplicate_rows + deleted_rows + rejected_rows',
            'a rejection has a reason':
                '(rejected_rows > 0) = (commonest_rejection_reason is not null) and commonest_rejection_rows <= rejected_rows'
                ~ ' and (repaired_values > 0) = (most_repaired_column is not null) and most_repaired_values <= repaired_values'
        }
    },
    'customer_accounts': {
        'key': ['account_id'],
        'not_null': ['account_id', 'customer_id'],
        'references': {'customer_id': 'customers'},
        'rules': {
            'customer accounts are of the as of date': 'as_of_date = ' ~ as_of_date()
        }
    },
    'customer_contacts': {
        'key': ['customer_id'],
        'not_null': ['customer_id'],
        'references': {'customer_id': 'customers'},
        'rules': {
            'customer contacts are of the as of date': 'as_of_date = ' ~ as_of_date()
        }
    },
    'rfm_thresholds': {
        'key': ['trait', 'score'],
        'rules': {
            'rfm thresholds are of the as of date': 'as_of_date = ' ~ as_of_date(),
            'thresholds of a score are in order': 'from_value <= to_value or customers = 0'
        }
    },
    'segment_customer_traits': {
        'key': ['segment', 'customer_id'],
        'rules': {
            'segment customer traits are of the as of date': 'as_of_date = ' ~ as_of_date()
        }
    },
    'segment_overlaps': {
        'key': ['segment', 'other_segment'],
        'rules': {
            'segment overlaps are of the as of date': 'as_of_date = ' ~ as_of_date(),
            'overlaps are no larger than the smaller segment': 'share_of_smaller between 0 and 1'
        }
    },
    'shop_figures': {
        'key': ['as_of_date'],
        'not_null': ['as_of_date'],
        'rules': {
            'shop figures are of the as of date': 'as_of_date = ' ~ as_of_date(),
            'shop figures agree with each other':
                'buyers between 0 and customers and (purchases_365d = 0) = (net_revenue_365d = 0)'
                ~ ' and (purchases_previous_365d = 0) = (net_revenue_previous_365d = 0)'
        }
    },
    'time_spine_daily': {'key': ['date_day'], 'not_null': ['date_day']}
}) }}
