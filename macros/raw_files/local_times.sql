{# Times without offset, where the var naive_timestamps says that they are local ones. An hour that occurs twice is the first one, and one
   that the clocks skip moves forward: both times the offset from before the change holds. #}

{# The zone whose local times a table's naive timestamps are, or none where they are UTC already. #}
{% macro local_time_zone(table_name) %}
    {% set zones = var('naive_timestamps') or {} %}
    {% set zone = zones if zones is string else zones.get(table_name) %}
    {{ return(none if zone == 'UTC' else zone) }}
{% endmacro %}

{# Whether a delivered column may hold local times. When a row arrived, a loader says, and not the shop. #}
{% macro is_local_time(column, delivered_type) %}
    {{ return(
        column.data_type == 'timestamp' and column.name != 'loaded_at' and delivered_type is not none
        and delivered_type != 'TIMESTAMP WITH TIME ZONE' and modules.re.match('VARCHAR|TIMESTAMP|DATE', delivered_type) is not none
    ) }}
{% endmacro %}

{# The delivered local time as a timestamp, null where the value is none. #}
{% macro local_time(name, delivered_type) %}
    {% if delivered_type == 'VARCHAR' %}
        {{ return("case when regexp_full_match(" ~ name ~ ", '" ~ local_time_pattern() ~ "') then try_cast(" ~ name ~ " as timestamp) end") }}
    {% endif %}
    {{ return('case when isfinite(' ~ name ~ ') then cast(' ~ name ~ ' as timestamp) end') }}
{% endmacro %}

{# Beside each local time stand the two moments that it may mean: `<column>__later`, by ICU, which takes the second of two hours and moves
   forward what was skipped, and `<column>__earlier`, by the offset that held a day before. Each step is a query of its own, so that it is
   computed once. #}
{% macro with_local_times(source, local_times, zone) %}
    {% set times = ['*'] %}
    {% set moments = ['*'] %}
    {% for name, time in local_times.items() %}
        {% do times.append(time ~ ' as ' ~ name ~ '__local') %}
        {% do moments.append(utc_of(name ~ '__local', zone) ~ ' as ' ~ name ~ '__later') %}
        {% do moments.append(utc_of(name ~ '__local - to_days(1)', zone) ~ ' + to_days(1) as ' ~ name ~ '__earlier') %}
    {% endfor %}
    {{ return(
        '(\n    select ' ~ moments | join(',\n        ') ~ '\n    from (\n    select ' ~ times | join(',\n        ') ~ '\n    from ' ~ source
        ~ '\n    ) as local_times\n) as moments'
    ) }}
{% endmacro %}

{% macro utc_of(local_time, zone) %}
    {{ return("make_timestamp(epoch_us(try(timezone('" ~ zone ~ "', " ~ local_time ~ "))))") }}
{% endmacro %}

{# Whether a moment is one at which the clocks of the zone show the local time of a column. #}
{% macro shows_local_time(moment, name, zone) %}
    {{ return("timezone('" ~ zone ~ "', timezone('UTC', " ~ moment ~ ")) = " ~ name ~ '__local') }}
{% endmacro %}

{% macro occurs_twice(name, zone) %}
    {{ return(name ~ '__earlier < ' ~ name ~ '__later and ' ~ shows_local_time(name ~ '__earlier', name, zone)) }}
{% endmacro %}

{% macro moment_of(name, zone) %}
    {{ return('case when ' ~ occurs_twice(name, zone) ~ ' then ' ~ name ~ '__earlier else ' ~ name ~ '__later end') }}
{% endmacro %}

{# repeated or skipped where the clocks of the zone showed a local time twice or never, else null. #}
{% macro clock_change(name, zone) %}
    {{ return(
        'case when ' ~ occurs_twice(name, zone) ~ " then 'repeated' when not " ~ shows_local_time(name ~ '__later', name, zone)
        ~ " then 'skipped' end"
    ) }}
{% endmacro %}

{# A view of how often that happened, with one query per table, which looks at all its times at once. #}
{% macro clock_changes_sql(tables) %}
    {% set parts = [] %}
    {% for table in tables if local_time_zone(table.name) %}
        {% set counts = [] %}
        {% for column in table.columns.values() if is_local_time(column, 'VARCHAR') %}
            {% do counts.append(
                "{'column_name': '" ~ column.name ~ "', 'repeated_values': count(*) filter (" ~ column.name ~ "__clock_change = 'repeated'),"
                ~ " 'skipped_values': count(*) filter (" ~ column.name ~ "__clock_change = 'skipped')}"
            ) %}
        {% endfor %}
        {% if counts %}
            {% do parts.append(
                "select '" ~ table.name ~ "' as table_name, '" ~ local_time_zone(table.name) ~ "' as time_zone, unnest(["
                ~ counts | join(', ') ~ '], recursive := true) from ' ~ table.relation_name
            ) %}
        {% endif %}
    {% endfor %}
    {{ return(
        'select table_name, column_name, time_zone, repeated_values, skipped_values from (' ~ parts | join('\nunion all\n')
        ~ ') as times where repeated_values + skipped_values > 0' if parts else
        "select '' as table_name, '' as column_name, '' as time_zone, 0 as repeated_values, 0 as skipped_values where false"
    ) }}
{% endmacro %}

{# Runs after the model: a line in the log for each of its rows. #}
{% macro tell_clock_changes(changes) %}
    {% if execute %}
        {% for row in run_query('select * from ' ~ changes ~ ' order by table_name, column_name').rows %}
            {% do exceptions.warn(
                row[0] ~ '.' ~ row[1] ~ ': of the local times of ' ~ row[2] ~ ', ' ~ row[3] ~ ' lie in an hour that occurred twice (the first one'
                ~ ' is taken) and ' ~ row[4] ~ ' in one that never was (moved forward by the change).'
            ) %}
        {% endfor %}
    {% endif %}
{% endmacro %}
