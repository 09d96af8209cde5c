-- What is true of the marts on the funnel, sign-ups, sales and reasons.
{{ config(fail_calc='coalesce(sum(rows_found), 0)') }}
{{ broken_rules({
    'funnel_monthly': {
        'key': ['month', 'channel', 'buyer_type'],
        'not_null': ['month', 'channel', 'buyer_type'],
        'values': {'buyer_type': ['all', 'lead', 'new', 'returning', 'anonymous']},
        'rules': {
            'the funnel is of the as of date': 'as_of_date = ' ~ as_of_date(),
            'each step is part of the sessions':
                'sessions > 0'
                ~ ' and greatest(sessions_with_product_view, sessions_with_cart, sessions_with_checkout, sessions_with_order) <= sessions',
            'recovered carts had no order of their own':
                'recovered_carts <= carts_without_order and carts_without_order between sessions_with_cart - sessions_with_order'
                ~ ' and sessions_with_cart',
            'anonymous sessions have no order': "buyer_type <> 'anonymous' or (sessions_with_order = 0 and recovered_carts = 0)"
        }
    },
    'signup_months': {
        'key': ['month', 'channel'],
        'not_null': ['month', 'channel'],
        'rules': {
            'signups are of the as of date': 'as_of_date = ' ~ as_of_date(),
            'first orders are of those who subscribed':
                '(first_orders_30d is null or first_orders_30d <= subscribed_customers) and (first_orders_90d is null'
                ~ ' or first_orders_90d between first_orders_30d and subscribed_customers)'
        }
    },
    'value_per_year': {
        'key': ['segment'],
        'not_null': ['segment'],
        'rules': {
            'values are of the as of date': 'as_of_date = ' ~ as_of_date(),
            'what comes later is worth less':
                'gross_margin_per_buyer_365d is null or gross_margin_per_buyer_365d < 0 or prepaid_offer is null'
                ~ ' or prepaid_offer <= value_over_years'
        }
    },
    'sale_results': {
        'key': ['sale_campaign_id'],
        'not_null': ['sale_campaign_id'],
        'rules': {
            'sales are of the as of date': 'as_of_date = ' ~ as_of_date(),
            'buyers are new or reactivated or neither': 'new_buyers + reactivated_buyers <= buyers and buyers <= purchases',
            'an estimate lies between its limits':
                'return_rate_difference is null or return_rate_difference between return_rate_difference_from'
                ~ ' and return_rate_difference_to'
        }
    },
    'reasons': {
        'key': ['month', 'kind', 'reason'],
        'not_null': ['month', 'kind', 'reason'],
        'rules': {
            'reasons are of the as of date': 'as_of_date = ' ~ as_of_date()
        }
    }
}) }}
