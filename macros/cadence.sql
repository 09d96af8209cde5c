{# The days that are expected between two purchase dates: the median of the gaps from three dates on. #}
{% macro expected_gap_days(purchase_dates, median_gap_days) -%}
    case
        when {{ purchase_dates }} >= 3 then greatest({{ median_gap_days }}, {{ var('min_gap_days') }})
        else {{ var('typical_gap_days') }}
    end
{%- endmacro %}
