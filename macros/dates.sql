{# The as-of date D as a Python date: the var, or yesterday in the shop's time zone. The only place that asks what day it is; what build/unchanged.py
   takes for it, it compares with the date that was built. #}
{% macro as_of_day() %}
    {% set timezone = var('shop_timezone') %}
    {% do check_timezone('shop_timezone', timezone) %}
    {% set day = var('as_of_date') | string if var('as_of_date') else (
        run_started_at.astimezone(modules.pytz.timezone(timezone)) - modules.datetime.timedelta(days=1)
    ).strftime('%Y-%m-%d') %}
    {% set parts = modules.re.fullmatch('([0-9]{4})-(0[1-9]|1[0-2])-([0-9]{2})', day) %}
    {% if not parts or not 1 <= parts[3] | int <= days_in_month(parts[1] | int, parts[2] | int) %}
        {% do exceptions.raise_compiler_error("as_of_date is '" ~ day ~ "', but must be a date of the form YYYY-MM-DD.") %}
    {% endif %}
    {{ return(modules.datetime.date(parts[1] | int, parts[2] | int, parts[3] | int)) }}
{% endmacro %}

{% macro check_timezone(setting, timezone) %}
    {% if timezone not in modules.pytz.all_timezones %}
        {% set nearest = nearest_name(timezone | string, modules.pytz.all_timezones) %}
        {% do exceptions.raise_compiler_error(
            setting ~ " is '" ~ timezone ~ "', which is no IANA time zone"
            ~ (': did you mean ' ~ nearest ~ '?' if nearest else ', such as Europe/Berlin.')
        ) %}
    {% endif %}
{% endmacro %}

{% macro days_in_month(year, month) %}
    {% set next_month = modules.datetime.date(year + month // 12, month % 12 + 1, 1) %}
    {{ return((next_month - modules.datetime.timedelta(days=1)).day) }}
{% endmacro %}

{% macro as_of_date() -%}
    {{ days_ago(0) }}
{%- endmacro %}

{# Whether the var as_of_date is SQL for D, which the warehouse knows: a backfill renders the models once for all its dates. #}
{% macro is_rendered_for_each_date() %}
    {{ return('(' in var('as_of_date') | string) }}
{% endmacro %}

{# "Last n days" are the n dates up to D: `ordered_on > days_ago(n)`. #}
{% macro days_ago(days) -%}
    {%- if is_rendered_for_each_date() -%}
    {{ days_after(var('as_of_date'), -(days | int)) }}
    {%- else -%}
    {{ date_literal(as_of_day() - modules.datetime.timedelta(days=days | int)) }}
    {%- endif -%}
{%- endmacro %}

{# The same day so many calendar months before D, or the month's last day where it has no such day. #}
{% macro months_ago(months) -%}
    {%- if is_rendered_for_each_date() -%}
    cast({{ dbt.dateadd('month', -months, var('as_of_date')) }} as date)
    {%- else -%}
    {%- set day = as_of_day() -%}
    {%- set months_since_0 = day.year * 12 + day.month - 1 - months -%}
    {%- set year = months_since_0 // 12 -%}
    {%- set month = months_since_0 % 12 + 1 -%}
    {{ date_literal(modules.datetime.date(year, month, [day.day, days_in_month(year, month)] | min)) }}
    {%- endif -%}
{%- endmacro %}

{# The first day of a date's calendar month. #}
{% macro month_of(date) -%}
    cast({{ dbt.date_trunc('month', date) }} as date)
{%- endmacro %}

{% macro days_after(date, days) -%}
    cast({{ dbt.dateadd('day', days, date) }} as date)
{%- endmacro %}

{# The same day so many years later. A 29 February becomes the 28th in common years. #}
{% macro years_after(date, years) -%}
    cast({{ dbt.dateadd('month', '12 * (' ~ years ~ ')', date) }} as date)
{%- endmacro %}

{# Whole calendar months from one date to another: the most m for which the earlier one is no later than the same day m months
   before the later one, or that month's last day. #}
{% macro months_between(earlier, later) -%}
    cast(
        12 * (extract(year from {{ later }}) - extract(year from {{ earlier }}))
        + extract(month from {{ later }}) - extract(month from {{ earlier }})
        - case when extract(day from {{ earlier }}) > extract(day from {{ later }}) then 1 else 0 end as integer
    )
{%- endmacro %}

{% macro date_literal(day) -%}
    cast('{{ day.strftime('%Y-%m-%d') }}' as date)
{%- endmacro %}

{# Whether the birthday of someone born on `birth_date` is among the n dates after D. In common years 29 February falls on the 28th, the day
   before 1 March. #}
{% macro has_birthday_in(birth_date, days) -%}
    {%- set dates = [] -%}
    {%- for days_ahead in range(1, days + 2) -%}
        {%- do dates.append(month_and_day(days_ago(-days_ahead))) -%}
    {%- endfor -%}
    coalesce(
        {{ month_and_day(birth_date) }} in ({{ dates[:-1] | join(', ') }})
        or ({{ month_and_day(birth_date) }} = 229 and 301 in ({{ dates[1:] | join(', ') }})),
        false
    )
{%- endmacro %}

{% macro month_and_day(date) -%}
    100 * extract(month from {{ date }}) + extract(day from {{ date }})
{%- endmacro %}
