{# The moment (UTC) at which the clocks of a zone show a time. An hour that occurs twice is the first one, and one that the clocks skip moves forward:
   both times the offset from before the change holds. Engines differ in what they take for such hours, so the offsets that hold a day before and a
   day after are asked instead. #}
{% macro utc_of_clock_time(clock_time, zone) -%}
    {%- if zone == 'UTC' -%}
        {{ return(clock_time) }}
    {%- endif -%}
    {%- set by_offset_before = days_later(utc_in_zone(days_later(clock_time, -1), zone), 1) -%}
    {%- set by_offset_after = days_later(utc_in_zone(days_later(clock_time, 1), zone), -1) -%}
    case
        when {{ clock_time_of(by_offset_before, zone) }} <> {{ clock_time }} and {{ clock_time_of(by_offset_after, zone) }} = {{ clock_time }}
            then {{ by_offset_after }}
        else {{ by_offset_before }}
    end
{%- endmacro %}

{# A timestamp so many days later, by the clock. #}
{% macro days_later(timestamp, days) -%}
    {{ return(adapter.dispatch('days_later', 'ecommerce_segments')(timestamp, days)) }}
{%- endmacro %}

{% macro default__days_later(timestamp, days) -%}
    {{ return('(' ~ timestamp ~ (' + ' if days > 0 else ' - ') ~ "interval '" ~ days | abs ~ " days')") }}
{%- endmacro %}

{# A time of a zone's clocks in UTC, as the engine reads it. #}
{% macro utc_in_zone(clock_time, zone) -%}
    {{ return(adapter.dispatch('utc_in_zone', 'ecommerce_segments')(clock_time, zone)) }}
{%- endmacro %}

{% macro default__utc_in_zone(clock_time, zone) -%}
    {{ return('(' ~ clock_time ~ " at time zone '" ~ zone ~ "' at time zone 'UTC')") }}
{%- endmacro %}

{# What the clocks of a zone show at a moment (UTC). #}
{% macro clock_time_of(moment, zone) -%}
    {{ return(adapter.dispatch('clock_time_of', 'ecommerce_segments')(moment, zone)) }}
{%- endmacro %}

{% macro default__clock_time_of(moment, zone) -%}
    {{ return('(' ~ moment ~ " at time zone 'UTC' at time zone '" ~ zone ~ "')") }}
{%- endmacro %}
