-- What is true of the marts on campaigns and channels.
{{ config(fail_calc='coalesce(sum(rows_found), 0)') }}
{{ broken_rules({
    'campaign_audiences': {
        'key': ['marketing_campaign_id', 'customer_id'],
        'rules': {
            'campaign audiences are of the as of date': 'as_of_date = ' ~ as_of_date()
        }
    },
    'campaign_margins': {
        'key': ['marketing_campaign_id', 'value_tier'],
        'not_null': ['marketing_campaign_id', 'value_tier'],
        'values': {'value_tier': ['all', 'high', 'low', 'none']},
        'rules': {
            'campaign margins are of the as of date': 'as_of_date = ' ~ as_of_date(),
            'an estimate lies between its limits':
                'net_margin_lift is null or net_margin_lift between net_margin_lift_from and net_margin_lift_to'
        }
    },
    'campaign_lift': {
        'key': ['marketing_campaign_id'],
        'not_null': ['marketing_campaign_id'],
        'rules': {
            'campaign lift is of the as of date': 'as_of_date = ' ~ as_of_date(),
            'the arms are the audience': 'customers = treated_customers + held_out_customers',
            'an estimate lies between its limits':
                '(conversion_lift is null or conversion_lift between conversion_lift_from and conversion_lift_to)'
                ~ ' and (net_revenue_lift is null or net_revenue_lift between net_revenue_lift_from and net_revenue_lift_to)'
                ~ ' and (cuped_net_revenue_lift is null or cuped_net_revenue_lift between cuped_net_revenue_lift_from'
                ~ ' and cuped_net_revenue_lift_to)',
            'a share of the variance is removed': 'net_revenue_variance_removed is null or net_revenue_variance_removed between 0 and 1'
        }
    },
    'programme_lift': {
        'key': ['calendar_quarter'],
        'not_null': ['calendar_quarter'],
        'rules': {
            'programme lift is of the as of date': 'as_of_date = ' ~ as_of_date(),
            'the arms are the audience': 'customers = treated_customers + held_out_customers',
            'an estimate lies between its limits':
                '(conversion_lift is null or conversion_lift between conversion_lift_from and conversion_lift_to)'
                ~ ' and (net_revenue_lift is null or net_revenue_lift between net_revenue_lift_from and net_revenue_lift_to)'
                ~ ' and (cuped_net_revenue_lift is null or cuped_net_revenue_lift between cuped_net_revenue_lift_from'
                ~ ' and cuped_net_revenue_lift_to)',
            'a share of the variance is removed': 'net_revenue_variance_removed is null or net_revenue_variance_removed between 0 and 1'
        }
    },
    'attributed_touches': {
        'key': ['order_id', 'rule', 'touch_kind', 'touch_id'],
        'not_null': ['order_id', 'channel', 'net_revenue'],
        'values': {'touch_kind': ['session', 'email']},
        'rules': {
            'attributed touches are of the as of date': 'as_of_date = ' ~ as_of_date(),
            'a purchase without a touch counts whole': "touch_id is not null or (channel = 'none' and weight = 1)",
            'weights are shares': 'weight between 0 and 1'
        }
    },
    'channel_performance': {
        'key': ['month', 'channel', 'rule'],
        'not_null': ['month', 'channel', 'rule'],
        'rules': {
            'channel performance is of the as of date': 'as_of_date = ' ~ as_of_date(),
            'returns are known where something was spent': '(coalesce(spend, 0) = 0) = (return_on_ad_spend is null)',
            'new buyers buy some of the purchases': 'new_buyer_purchases between 0 and purchases'
        }
    }
}) }}
