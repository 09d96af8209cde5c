-- What is true of the marts that somebody sends by.
{{ config(fail_calc='coalesce(sum(rows_found), 0)') }}
{{ broken_rules({
    'email_campaigns': {
        'key': ['campaign_id'],
        'not_null': ['campaign_id'],
        'rules': {
            'email campaigns are of the as of date': 'as_of_date = ' ~ as_of_date(),
            'campaigns are dated by their sent emails':
                '(sent = 0 and first_sent_on is null and last_sent_on is null) or (sent > 0 and first_sent_on <= last_sent_on'
                ~ ' and last_sent_on <= as_of_date)',
            'rates are unknown where nobody could count':
                '(sent = 0) = (delivery_rate is null) and (delivered = 0) = (click_rate is null)'
        }
    },
    'sms_audiences': {
        'key': ['segment', 'customer_id'],
        'not_null': ['segment', 'customer_id', 'phone_sha256'],
        'references': {'customer_id': 'customers'},
        'rules': {
            'sms audiences are of the as of date': 'as_of_date = ' ~ as_of_date()
        }
    },
    'suppressions': {
        'key': ['suppression_list', 'customer_id', 'email_sha256'],
        'not_null': ['suppression_list'],
        'values': {'suppression_list': ['non_target', 'unhappy', 'unsubscribed', 'complained']},
        'references': {'customer_id': 'customers'},
        'rules': {
            'suppressions are of the as of date': 'as_of_date = ' ~ as_of_date(),
            'suppressions name a customer or an email': 'customer_id is not null or email_sha256 is not null'
        }
    },
    'audience_changes': {
        'key': ['as_of_date', 'segment', 'customer_id', 'email_sha256'],
        'not_null': ['as_of_date', 'segment', 'customer_id'],
        'values': {'change': ['added', 'removed'], 'reason': ['left', 'unsubscribed', 'bounced', 'erased', 'merged', 'address changed']},
        'rules': {
            'a removal has a reason': "(change = 'removed') = (reason is not null)",
            'only a forgotten person has no address': "email_sha256 is not null or customer_id like 'forgotten:%'"
        }
    },
    'held_back_changes': {
        'key': ['as_of_date', 'customer_id'],
        'not_null': ['as_of_date', 'customer_id', 'change'],
        'values': {'change': ['held back', 'released']}
    },
    'next_messages': {
        'key': ['customer_id'],
        'not_null': ['segment', 'priority', 'marketing_goal', 'has_waited'],
        'values': {'held_back_by': ['global holdout', 'mailed often', 'held out']},
        'rules': {
            'next messages are of the as of date': 'as_of_date = ' ~ as_of_date(),
            'who is held back has no turn': '(held_back_by is null) = (send_order is not null)'
        }
    },
    'journey_events': {
        'key': ['event_id'],
        'not_null': ['event_id', 'customer_id', 'journey', 'occasion', 'occurred_on', 'due_on', 'entered_because', 'exit_on_purchase'],
        'values': {'held_back_by': ['global holdout', 'not contactable', 'suppressed']},
        'rules': {
            'journey events are of the as of date': 'as_of_date = ' ~ as_of_date() ~ ' and occurred_on <= as_of_date',
            'a message is due after its occasion': 'due_on > occurred_on'
        }
    }
}) }}
