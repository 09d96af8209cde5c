{# What may be concluded of a comparison with treated and held-out people, in a sentence; `still_on` says that it runs. #}
{% macro lift_verdict(lifts, still_on) -%}
    case
        when not {{ lifts }}.is_large_enough
            then 'An arm holds fewer than {{ var("min_arm_customers") }} customers: no result is shown.'
        when not {{ lifts }}.is_split_as_promised then 'The arms do not have the promised sizes: trust no difference between them.'
        when not {{ lifts }}.is_final and {{ lifts }}.conversion_lift_from > 0
            then 'More of the treated bought so far than would have without it, however often one looks.'
        when not {{ lifts }}.is_final and {{ lifts }}.conversion_lift_to < 0
            then 'Fewer of the treated bought so far than would have without it, however often one looks.'
        when not {{ lifts }}.is_final then '{{ still_on }}'
        when {{ lifts }}.conversion_lift_from > 0 then 'More of the treated bought than would have without it.'
        when {{ lifts }}.conversion_lift_to < 0 then 'Fewer of the treated bought than would have without it.'
        else 'No difference is shown: what lies between the limits is possible, nothing included.'
    end
{%- endmacro %}
