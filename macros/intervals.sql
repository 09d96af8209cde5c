{# The standard normal quantile of two-sided 95 % intervals. #}
{% macro normal_quantile() %}
    {{ return(1.959964) }}
{% endmacro %}

{# How many standard errors the limits of a running comparison lie away, so that 95 % of comparisons keep what is true between them however
   often they are looked at: the Gaussian-mixture asymptotic confidence sequence of Waudby-Smith et al. (arxiv.org/abs/2103.06476, equation 9),
   tuned to the customers of both arms. All of them are there from the first day, so what it says of t customers is one number: with
   t x rho^2 = a + log(a + 1) and a = -2 log 0.05, it is sqrt(2 (t rho^2 + 1) / (t rho^2) x log(sqrt(t rho^2 + 1) / 0.05)). #}
{% macro sequence_quantile() %}
    {{ return(3.035209) }}
{% endmacro %}

{# An end of Wilson's interval of a share: `lower` or `upper`; of 95 %, or of another square of a normal quantile. Null without trials.
   (Wilson 1927, doi.org/10.1080/01621459.1927.10502953) #}
{% macro wilson_limit(end, successes, trials, squared_quantile=none) -%}
    {%- set z2 = squared_quantile or normal_quantile() ** 2 -%}
    (2 * {{ successes }} + {{ z2 }} {{ {'lower': '-', 'upper': '+'}[end] }} sqrt({{ z2 }} * ({{ z2 }} + 4.0 * {{ successes }} * ({{ trials }} - {{ successes }}) / nullif({{ trials }}, 0))))
    / (2 * {{ trials }} + 2 * {{ z2 }})
{%- endmacro %}

{# How far Newcombe's 95 % interval of the difference of two shares reaches on one side, from an end of Wilson's interval of each: the lower end of
   the first and the upper one of the other, or the other way round. (Newcombe 1998, method 10) #}
{% macro newcombe_reach(share, share_limit, other_share, other_share_limit) -%}
    sqrt(power({{ share }} - {{ share_limit }}, 2) + power({{ other_share }} - {{ other_share_limit }}, 2))
{%- endmacro %}

{# Welch's degrees of freedom of the difference of two means, from the arms' `customers` and the squared standard errors of their means. #}
{% macro welch_degrees_of_freedom(arm, other_arm) -%}
    power({{ arm }}.squared_error + {{ other_arm }}.squared_error, 2) / nullif(
        power({{ arm }}.squared_error, 2) / nullif({{ arm }}.customers - 1, 0)
        + power({{ other_arm }}.squared_error, 2) / nullif({{ other_arm }}.customers - 1, 0), 0
    )
{%- endmacro %}

{# Half of the 95 % interval of a mean: Student's quantile, by the first terms of its expansion right to 5 digits from 30 degrees of freedom on,
   x the standard error. #}
{% macro student_half_width(squared_error, degrees_of_freedom) -%}
    {%- set z = normal_quantile() -%}
    coalesce(
        {{ z }}
        + {{ (z ** 3 + z) / 4 }} / ({{ degrees_of_freedom }})
        + {{ (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96 }} / power({{ degrees_of_freedom }}, 2)
        + {{ (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384 }} / power({{ degrees_of_freedom }}, 3), 0
    ) * sqrt({{ squared_error }})
{%- endmacro %}

{# Half of the interval of a mean: of 95 %, or of a confidence sequence where the comparison still runs. #}
{% macro lift_half_width(is_final, squared_error, degrees_of_freedom) -%}
    case
        when {{ is_final }} then {{ student_half_width(squared_error, degrees_of_freedom) }}
        else {{ sequence_quantile() }} * sqrt({{ squared_error }})
    end
{%- endmacro %}
