{# The as-of date D as a Python date: the var, or yesterday in the shop's time zone. The only place that asks what day it is. #}
{% macro as_of_day() %}
    {% set timezone = var('shop_timezone') %}
    {% if timezone not in modules.pytz.all_timezones %}
        {% do exceptions.raise_compiler_error("shop_timezone is '" ~ timezone ~ "', which is no IANA time zone, such as Europe/Berlin.") %}
    {% endif %}
    {% set day = var('as_of_date') | string if var('as_of_date') else (
        run_started_at.astimezone(modules.pytz.timezone(timezone)) - modules.datetime.timedelta(days=1)
    ).strftime('%Y-%m-%d') %}
    {% if not modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', day) %}
        {% do exceptions.raise_compiler_error("as_of_date is '" ~ day ~ "', but must be a date of the form YYYY-MM-DD.") %}
    {% endif %}
    {{ return(modules.datetime.datetime.strptime(day, '%Y-%m-%d').date()) }}
{% endmacro %}

{% macro as_of_date() -%}
    {{ days_ago(0) }}
{%- endmacro %}

{# "Last n days" are the n dates up to D: `ordered_on > days_ago(n)`. #}
{% macro days_ago(days) -%}
    {{ date_literal(as_of_day() - modules.datetime.timedelta(days=days)) }}
{%- endmacro %}

{# The same day so many calendar months before D, or the month's last day where it has no such day. #}
{% macro months_ago(months) -%}
    {%- set day = as_of_day() -%}
    {%- set month = day.year * 12 + day.month - 1 - months -%}
    {%- set first = modules.datetime.date(month // 12, month % 12 + 1, 1) -%}
    {%- set next_first = modules.datetime.date((month + 1) // 12, (month + 1) % 12 + 1, 1) -%}
    {%- set last_day = (next_first - modules.datetime.timedelta(days=1)).day -%}
    {{ date_literal(first.replace(day=[day.day, last_day] | min)) }}
{%- endmacro %}

{% macro date_literal(day) -%}
    cast('{{ day.strftime('%Y-%m-%d') }}' as date)
{%- endmacro %}
