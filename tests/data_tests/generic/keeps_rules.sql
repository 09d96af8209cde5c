{# What is true of a table, as macros/broken_rules.sql reads it. The tables of staging and intermediate have one test together, as each test costs a run its time. #}
{% test keeps_rules(model, key=[], other_keys=[], not_null=[], values={}, references={}, rules={}) %}
{{ config(fail_calc='coalesce(sum(rows_found), 0)') }}
{{ broken_rules({model.identifier: {
    'relation': model, 'key': key, 'other_keys': other_keys, 'not_null': not_null, 'values': values, 'references': references, 'rules': rules,
}}) }}
{% endtest %}
