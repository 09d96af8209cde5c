{# The rules that divide a purchase among its touches. #}
{% macro attribution_rules() %}
    {{ return(['last_touch', 'first_touch', 'linear', 'position_based', 'time_decay']) }}
{% endmacro %}

{# Whether a touch may have led to a purchase: it is no later, and dated in so many dates up to the purchase's. #}
{% macro is_touch_before(touches, purchases, days) -%}
    {{ touches }}.touched_at <= {{ purchases }}.purchased_at
    and {{ touches }}.touched_on <= {{ purchases }}.purchased_on
    and {{ touches }}.touched_on > {{ days_after(purchases ~ '.purchased_on', '-' ~ days) }}
{%- endmacro %}

{# The order of touches: by moment, then email before session, then id. #}
{% macro touch_order(descending=false) -%}
    {%- set direction = ' desc' if descending else '' -%}
    touched_at{{ direction }}, touch_kind{{ direction }}, {{ binary_collation('touch_id') }}{{ direction }}
{%- endmacro %}

{# How many of the units that rounding down has left go to a part: one to each of the largest remainders, in their order. Of
   amounts beyond a million, rounded weights may leave more than that, or take too much. #}
{% macro units_of_remainder(units_left, place, parts) -%}
    cast(floor(({{ units_left }} - {{ place }}) / cast({{ parts }} as {{ double_type() }})) as bigint) + 1
{%- endmacro %}
