-- What is true of the memberships, and of what they follow from besides customers. The history of segments waits for it.
{{ config(fail_calc='coalesce(sum(rows_found), 0)') }}
{{ broken_rules({
    'product_replenishments': {
        'key': ['product_id'],
        'rules': {
            'replenishments are of the as of date': 'as_of_date = ' ~ as_of_date(),
            'replenishments are seen often enough':
                'buyers <= gaps and gaps >= ' ~ var('replenishment_min_gaps') ~ ' and median_gap_days >= 1'
        }
    },
    'due_products': {
        'key': ['customer_id', 'product_id'],
        'not_null': ['customer_id', 'expected_gap_days'],
        'rules': {
            'due products are of the as of date': 'as_of_date = ' ~ as_of_date(),
            'own gaps are of buyers with 3 dates': '(bought_dates >= 3) = is_own_gap and last_bought_on < due_on'
        }
    },
    'segment_memberships': {
        'key': ['segment', 'customer_id'],
        'not_null': ['segment', 'customer_id'],
        'references': {'customer_id': 'customers'},
        'rules': {
            'segment memberships are of the as of date': 'as_of_date = ' ~ as_of_date()
        }
    },
    'segments': {
        'key': ['segment'],
        'not_null': ['segment'],
        'rules': {
            'segments are of the as of date': 'as_of_date = ' ~ as_of_date()
        }
    }
}) }}
