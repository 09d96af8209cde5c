-- What is true of the marts on products.
{{ config(fail_calc='coalesce(sum(rows_found), 0)') }}
{{ broken_rules({
    'product_affinities': {
        'key': ['product_id', 'other_product_id'],
        'not_null': ['product_id', 'other_product_id'],
        'rules': {
            'affinities are of the as of date': 'as_of_date = ' ~ as_of_date(),
            'affinities are better than chance':
                'common_buyers >= ' ~ var('affinity_min_buyers') ~ ' and lift > 1 and log_likelihood_ratio >= 0'
                ~ ' and affinity_number between 1 and 10',
            'shares of buyers hold each other': 'common_buyers <= buyers and support <= confidence and confidence <= 1'
        }
    },
    'category_affinities': {
        'key': ['category', 'other_category'],
        'not_null': ['category', 'other_category'],
        'rules': {
            'affinities are of the as of date': 'as_of_date = ' ~ as_of_date(),
            'affinities are better than chance':
                'common_buyers >= ' ~ var('affinity_min_buyers') ~ ' and lift > 1 and log_likelihood_ratio >= 0'
                ~ ' and affinity_number between 1 and 10',
            'shares of buyers hold each other': 'common_buyers <= buyers and support <= confidence and confidence <= 1'
        }
    },
    'next_products': {
        'key': ['customer_id', 'next_product_number'],
        'other_keys': [['customer_id', 'product_id']],
        'not_null': ['customer_id'],
        'references': {'customer_id': 'customers'},
        'rules': {
            'next products are of the as of date': 'as_of_date = ' ~ as_of_date(),
            'next products are three at most': 'next_product_number between 1 and 3'
        }
    },
    'gateway_products': {
        'key': ['kind', 'coalesce(product_id, category)'],
        'values': {'kind': ['product', 'category']},
        'rules': {
            'gateway products are of the as of date': 'as_of_date = ' ~ as_of_date(),
            'return rates are within their intervals':
                'return_rate between return_rate_from and return_rate_to and returned_buyers <= first_buyers',
            'money is of those who have had 365 days':
                'buyers_of_365d <= first_buyers and (net_revenue_365d_per_buyer is null) = (buyers_of_365d < '
                ~ var('gateway_min_buyers') ~ ')'
        }
    }
}) }}
