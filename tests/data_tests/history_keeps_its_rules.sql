-- What is true of the marts that follow from the history of segments.
{{ config(fail_calc='coalesce(sum(rows_found), 0)') }}
{{ broken_rules({
    'segment_history': {
        'key': ['segment', 'customer_id', 'entered_on', 'exited_on'],
        'rules': {
            'stays end after they begin': 'exited_on > entered_on or exited_on is null'
        }
    },
    'identity_changes': {
        'key': ['as_of_date', 'former_id'],
        'not_null': ['customer_id'],
        'rules': {
            'an id that changed is another one': 'former_id <> customer_id'
        }
    },
    'segment_sizes': {
        'key': ['as_of_date', 'segment'],
        'rules': {
            'sizes are never negative': 'customers >= 0 and coalesce(entered, 0) >= 0 and coalesce(exited, 0) >= 0'
        }
    },
    'segment_transitions': {'key': ['as_of_date', 'trait', 'from_value', 'to_value']},
    'built_figures': {
        'key': ['as_of_date', 'figure', 'subject'],
        'not_null': ['as_of_date', 'subject'],
        'values': {'figure': ['rejected_share', 'contactable_share', 'unknown_cost_share', 'global_holdout_share', 'segment_formula']},
        'rules': {
            'shares are from 0 to 1': "share between 0 and 1 or figure = 'segment_formula'",
            'each segment has a formula': "formula is not null or figure <> 'segment_formula'"
        }
    }
}) }}
