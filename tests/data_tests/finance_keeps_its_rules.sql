-- What is true of the marts on money.
{{ config(fail_calc='coalesce(sum(rows_found), 0)') }}
{{ broken_rules({
    'purchases': {
        'key': ['order_id'],
        'other_keys': [['coalesce(customer_id, order_id)', 'purchase_number']],
        'not_null': ['order_id'],
        'values': {'buyer_type': ['new', 'returning']},
        'references': {'customer_id': 'customers'},
        'rules': {
            'purchases are of the as of date': 'as_of_date = ' ~ as_of_date(),
            'purchase amounts add up': 'abs(gross_amount - discount_amount - refunded_amount - net_revenue) < 0.006',
            'first purchases are of the first date':
                '(purchase_number is null) = (customer_id is null) and (coalesce(purchase_number, 0) <> 1'
                ~ ' or purchased_on = first_purchased_on)'
        }
    },
    'customer_value': {
        'key': ['customer_id'],
        'not_null': ['customer_id'],
        'references': {'customer_id': 'customers'},
        'rules': {
            'customer value is of the as of date': 'as_of_date = ' ~ as_of_date(),
            'purchase days are in order':
                'purchase_count = 0 or (repeat_purchase_days between 0 and days_first_to_last'
                ~ ' and days_first_to_last <= days_first_to_as_of and repeat_purchase_days < purchase_count)',
            'leads have no purchase days':
                '(purchase_count = 0) = (repeat_purchase_days is null)'
                ~ ' and (coalesce(repeat_purchase_days, 0) = 0) = (revenue_per_repeat_day is null)'
        }
    },
    'acquisition_costs': {
        'key': ['month', 'channel'],
        'not_null': ['channel', 'is_total'],
        'rules': {
            'acquisition costs are of the as of date': 'as_of_date = ' ~ as_of_date(),
            'acquisition costs know their buyers':
                '(acquisition_cost is null) = (new_buyers = 0 or spend is null) and (new_buyers > 0 or payback_months is null)'
                ~ ' and (is_12_months_old or gross_margin_12m_per_new_buyer is null)',
            'months pay back within their age': 'payback_months is null or payback_months <= ' ~ months_between('month', as_of_date())
        }
    },
    'churn_monthly': {
        'key': ['month', 'tenure_band'],
        'not_null': ['tenure_band'],
        'values': {'tenure_band': ['new', 'first_time', 'short', 'mid', 'long']},
        'rules': {
            'churn monthly is of the as of date': 'as_of_date = ' ~ as_of_date(),
            'live buyers balance': 'opening_customers + new_customers + returned_customers - churned_customers = closing_customers',
            'revenue of live buyers balances':
                'opening_revenue + new_revenue + returned_revenue + expansion_revenue - contraction_revenue - churned_revenue = closing_revenue',
            'new buyers form a band':
                "case when tenure_band = 'new' then opening_customers = 0 and returned_customers = 0 else new_customers = 0 end"
        }
    },
    'cohort_retention': {
        'key': ['cohort_month', 'months_since'],
        'rules': {
            'cohort retention is of the as of date': 'as_of_date = ' ~ as_of_date(),
            'month 0 of a cohort is whole': 'months_since > 0 or (retention_rate = 1 and customers_with_purchase = customers)',
            'cohorts do not grow': 'customers_with_purchase <= customers and months_since >= 0',
            'months of cohorts too young have no rates':
                'is_complete = (cumulative_net_revenue_per_customer is not null) and (is_complete'
                ~ ' or months_since = 0) = (retention_rate is not null)'
        }
    },
    'repeat_purchases': {
        'key': ['purchase_number'],
        'not_null': ['purchase_number'],
        'rules': {
            'repeat purchases are of the as of date': 'as_of_date = ' ~ as_of_date(),
            'repeat rates lie in their interval':
                'customers >= judged_customers and judged_customers >= repeated_customers and (judged_customers = 0'
                ~ ' or (repeat_rate_from between 0 and repeat_rate and repeat_rate_to between repeat_rate and 1))'
        }
    },
    'revenue_by_buyer_type': {
        'key': ['month', 'buyer_type'],
        'not_null': ['buyer_type'],
        'values': {'buyer_type': ['new', 'returning']},
        'rules': {
            'revenue by buyer type is of the as of date': 'as_of_date = ' ~ as_of_date()
        }
    },
    'segment_performance': {
        'key': ['segment'],
        'not_null': ['segment'],
        'references': {'segment': 'segments'},
        'rules': {
            'segment performance is of the as of date': 'as_of_date = ' ~ as_of_date(),
            'short windows lie within long ones':
                'purchases_30d <= purchases_365d and net_revenue_30d <= net_revenue_365d and contactable_customers <= customers'
        }
    }
}) }}
